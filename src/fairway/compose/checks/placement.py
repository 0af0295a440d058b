"""`deploy.placement`: constraints and preferences that name something a host has, and do not contradict each other."""

from __future__ import annotations

from fairway.compose.checks.case import Case
from fairway.compose.words import closest
from fairway.model.app import Path, Service
from fairway.model.hosts import ATTRIBUTES, LABELS, Constraint, parse_attribute, parse_constraint

_WHAT_THERE_IS = (*ATTRIBUTES, *(f"{prefix}NAME" for prefix in LABELS))


def check_placement(case: Case) -> None:
    for service in case.app.services.values():
        _check_constraints(case, service)
        path = ("services", service.name, "deploy", "placement")
        for index, preference in enumerate(service.deploy.placement.preferences):
            try:
                parse_attribute(preference.spread)
            except ValueError as error:
                place = (*path, "preferences", str(index), "spread")
                case.tell(str(error), *place, hint=_hint(preference.spread))
        if (service.deploy.placement.max_replicas_per_node or 0) < 0:
            case.tell("the number of replicas is negative", *path, "max_replicas_per_node")


def _check_constraints(case: Case, service: Service) -> None:
    path: Path = ("services", service.name, "deploy", "placement", "constraints")
    found: list[Constraint] = []
    for index, text in enumerate(service.deploy.placement.constraints):
        try:
            constraint = parse_constraint(text)
        except ValueError as error:
            case.tell(str(error), *path, str(index), hint=_hint(text))
            continue
        other = next((one for one in found if _exclude(one, constraint)), None)
        if other:
            case.tell(f"no host meets both `{other}` and `{constraint}`", *path, str(index))
        found.append(constraint)


def _exclude(one: Constraint, other: Constraint) -> bool:
    if one.attribute != other.attribute or not (one.equal or other.equal):
        return False
    same = one.value.casefold() == other.value.casefold()
    if one.attribute in ("node.hostname", "node.platform.arch"):  # one host goes by several of them
        return same and one.equal is not other.equal
    return same is not (one.equal is other.equal)


def _hint(text: str) -> str:
    attribute = text.partition("!=" if "!=" in text else "=")[0].strip()
    if "=" in text and "==" not in text and "!=" not in text:
        return f"write `{attribute}=={text.partition('=')[2].strip()}`"
    try:
        parse_attribute(attribute)
    except ValueError:
        bare = "." not in attribute or attribute.startswith(("labels.", "node.label."))
        meant = f"node.labels.{attribute.rpartition('.')[2]}"
        return f"did you mean `{meant}`?" if bare and attribute else closest(attribute, _WHAT_THERE_IS)
    return "write it like `node.labels.disk==ssd`"
