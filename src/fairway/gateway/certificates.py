"""The certificates that users are shown: which of the listener's slots has whose, and the script that exchanges them. Pure.

Certificate and key have files of their own, named after their environment and what is in them, and never changed. For each
slot a small file says what it shows, and Envoy watches those. What the slots say is all that is known: there is no other
record of whose certificates there are. A slot that is not needed shows what the first one does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from fairway.model.edge import Certificate
from fairway.model.errors import GatewayError
from fairway.render.envoy import Discovery, discovery
from fairway.render.envoy_edge import EDGE, ROOM, SLOTS, certificate_file
from fairway.render.envoy_tls import DIRECTORY

NOBODY = ""
"""Whose the placeholder is."""
OVERTAKEN, GONE = 75, 76
"""As in `script`: somebody else has changed the slots since they were read; no Envoy answers in this container."""

_EXCHANGE = """seen() {
now=$(ask "/stats?filter=%5Esds%5C.edge-%5B0-9%5D%2B%5C.(version_text%7Cupdate_rejected)%24")
}
live() {
for version in "$@"; do
case "$now" in *'"'"$version"'"'*) ;; *) return 1 ;; esac
done
}
shown() {
tries=0
while [ $tries -lt 500 ]; do
seen
live "$@" && return 0
[ "${now##*'"'}" = "$before" ] || return 3
tries=$((tries + 1))
sleep 0.005
done
return 4
}
"""
"""`before` has the refusals as `seen` has found them, which come after all versions."""


def stem(environment: str, certificate: Certificate) -> str:
    """What its files are called; `environment` is a key."""
    return f"{EDGE}-{environment}-{hashlib.sha256(certificate.chain.encode()).hexdigest()[:16]}"


def owner(name: str) -> str:
    """The key of the environment whose certificate has this stem."""
    return name.removeprefix(f"{EDGE}-").rpartition("-")[0]


def arranged(now: Sequence[str], environment: str, wanted: Sequence[str], placeholder: str) -> tuple[str, ...]:
    """The stems for all slots, where `environment` shows `wanted` and the others what they have, where they have it.

    `now` is empty where there is nothing yet. Raises GatewayError where there is no room.
    """
    others = [
        name if owner(name) not in (NOBODY, environment) and name not in now[:at] else "" for at, name in enumerate(now)
    ]
    slots = others or [""] * ROOM
    places = [at for at, name in enumerate(slots) if not name]
    if len(wanted) > len(places):
        raise GatewayError(
            f"The gateway has room for {ROOM} certificates, of which others have {ROOM - len(places)}",
            hint="Put several names into one certificate: `gateway.acme.hosts: [[a.example.com, b.example.com]]`.",
        )
    for at, name in zip(places, wanted, strict=False):
        slots[at] = name
    rest = next(filter(None, slots), placeholder)
    return tuple(name or rest for name in slots)


class Delivery(Struct, frozen=True):
    """`contents` by name of the file, for its owner alone; `slots`: the files that say what is shown."""

    environment: str
    contents: Mapping[str, bytes]
    slots: Mapping[str, Discovery]

    @classmethod
    def of(
        cls,
        now: Sequence[str],
        environment: str,
        certificates: Sequence[Certificate],
        placeholder: Certificate,
        stay: Sequence[str] = (),
    ) -> Delivery:
        """`now`: what the slots show, empty where there is nothing yet; `stay`: stems of this environment that are to stay.

        Raises GatewayError where there is no room.
        """
        own = {stem(environment, certificate): certificate for certificate in certificates}
        before = now[0] if now and owner(now[0]) == NOBODY else stem(NOBODY, placeholder)
        there = arranged(now, environment, tuple(dict.fromkeys([*stay, *own])), before)
        new = {**own, stem(NOBODY, placeholder): placeholder}
        contents = {file: text for name in new if name in there for file, text in _files(name, new[name])}
        return cls(environment, contents, {slot: _shows(slot, name) for slot, name in zip(SLOTS, there, strict=True)})

    def for_start(self) -> dict[str, bytes]:
        """All files as an Envoy that is not there yet will find them."""
        return {**self.contents, **{f"{slot}.json": file.body.encode() for slot, file in self.slots.items()}}

    def changed(self, versions: Mapping[str, str]) -> dict[str, Discovery]:
        """The slots that are to show something else; `versions` are those of the files now."""
        return {slot: file for slot, file in self.slots.items() if versions.get(slot) != file.version}

    def for_exchange(self, versions: Mapping[str, str]) -> dict[str, bytes]:
        """All files beside those that Envoy reads now; `exchange` then makes them count."""
        changed = self.changed(versions).items()
        return {**self.contents, **{f"{slot}.{file.version}.new": file.body.encode() for slot, file in changed}}

    def exchange(self, versions: Mapping[str, str]) -> str:
        """A script for the session: 0 once all are live; 3 where Envoy refuses one, 4 where it does not
        answer in time, and then all are as before; OVERTAKEN; GONE.

        Connections that are open stay open. What no slot shows any more of this environment is removed.
        """
        changed = self.changed(versions)
        same = "".join(f"has {slot} {version} || return {OVERTAKEN}\n" for slot, version in versions.items())
        kept = "".join(f"cp {slot}.json /run/fairway/{slot}.json || return 1\n" for slot in changed)
        moved = "".join(f"mv -f {slot}.{file.version}.new {slot}.json || return 1\n" for slot, file in changed.items())
        back = "".join(f"cp /run/fairway/{slot}.json {slot}.old && mv -f {slot}.old {slot}.json\n" for slot in changed)
        return f"""{_EXCHANGE}exec 9>>lock
exchange() {{
flock -w 10 9 || return 73
seen
[ -n "$now" ] || return {GONE}
before=${{now##*'"'}}
{same}{kept}{moved}shown {" ".join(file.version for file in changed.values())} && return
code=$?
{back}return $code
}}
exchange
code=$?
for file in {self._leftovers()}; do
[ -e "$file" ] || continue
name=${{file%-key.pem}}
cat {EDGE}-[0-9]*.json | grep -q "/${{name%.pem}}.pem" || rm -f "$file"
done
rm -f {" ".join(f"{slot}.{file.version}.new" for slot, file in changed.items())}
flock -u 9
exec 9>&-
(exit $code)"""

    def _leftovers(self) -> str:
        """Only its own, and those of nobody: the others' may be about to count."""
        some = "?" * 16
        return " ".join(
            f"{EDGE}-{key}-{some}{end}" for key in (self.environment, NOBODY) for end in (".pem", "-key.pem")
        )


def _files(name: str, certificate: Certificate) -> Iterator[tuple[str, bytes]]:
    yield f"{name}.pem", certificate.chain.encode()
    yield f"{name}-key.pem", bytes(certificate.key)


def _shows(slot: str, name: str) -> Discovery:
    return discovery([certificate_file(slot, f"{DIRECTORY}/{name}.pem", f"{DIRECTORY}/{name}-key.pem")])


def shown(slot_json: bytes) -> str:
    """The stem of what a slot shows."""
    [secret] = msgspec.json.decode(slot_json)["resources"]
    file = str(secret["tls_certificate"]["certificate_chain"]["filename"])
    return file.rpartition("/")[2].removesuffix(".pem")
