"""Why a change of routes did not become live, as an error."""

from __future__ import annotations

from fairway.gateway import script
from fairway.model.errors import GatewayError, GatewayRejected
from fairway.net.shell import Answer


def failed(answer: Answer, where: str, said: str) -> GatewayError:
    """`answer` is that of `script.transaction`; `said` is what Envoy has logged since."""
    if answer.status == script.REFUSED:
        what = "Envoy refused the new routes; the old ones keep serving"
        return GatewayRejected(what, where=where, why=said)
    if answer.status in script.UNCHANGED:
        what, hint = script.UNCHANGED[answer.status]
        return GatewayError(what, where=where, why=answer.output.strip(), hint=hint)
    what = "The gateway did not confirm the new routes; the old ones are back"
    if answer.status != script.UNCONFIRMED:
        what = f"The gateway could not take the new routes (exit status {answer.status})"
    why = "\n".join(filter(None, (answer.output.strip(), said)))
    return GatewayError(what, where=where, why=why, hint="docker logs fairway-gateway")
