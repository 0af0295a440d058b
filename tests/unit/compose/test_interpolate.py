from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairway.compose.interpolate import InterpolationError, substitute

from .parts import app, load_all, problems, shown, web

VARIABLES = {"SET": "value", "EMPTY": "", "DOLLAR": "$SET", "_a1": "under"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("$SET", "value"),
        ("${SET}", "value"),
        ("a${SET}b$SET-c", "avalueb" + "value-c"),
        ("$_a1", "under"),
        ("$UNSET|", "|"),
        ("${UNSET}|", "|"),
        ("${UNSET-d}", "d"),
        ("${UNSET:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${EMPTY:-d}", "d"),
        ("${SET-d}", "value"),
        ("${SET:-d}", "value"),
        ("${SET+r}", "r"),
        ("${SET:+r}", "r"),
        ("${EMPTY+r}", "r"),
        ("${EMPTY:+r}", ""),
        ("${UNSET+r}", ""),
        ("${UNSET:+r}", ""),
        ("${SET?e}", "value"),
        ("${SET:?e}", "value"),
        ("${EMPTY?e}", ""),
        ("${UNSET:-${SET}}", "value"),
        ("${UNSET:-${ALSO:-${SET}}!}", "value!"),
        ("${UNSET:-$SET}", "value"),
        ("${SET:+${UNSET-x}}", "x"),
        ("${SET:-${UNSET?e}}", "value"),
        ('${UNSET:-{"a": {"b": 1}}}', '{"a": {"b": 1}}'),
        ("${UNSET:-a:b-c?d+e}", "a:b-c?d+e"),
        ("$$SET", "$SET"),
        ("$$$SET", "$value"),
        ("$${SET}", "${SET}"),
        ("100$$", "100$"),
        ("${UNSET:-$$x}", "$x"),
        ("$DOLLAR", "$SET"),
        ("${UNSET:-}", ""),
        ("${UNSET:-ü✓}", "ü✓"),
    ],
)
def test_every_form(text: str, result: str) -> None:
    assert substitute(text, VARIABLES) == result


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${UNSET?}", "the required variable UNSET is not set"),
        ("${UNSET?say why}", "the required variable UNSET is not set: say why"),
        ("${UNSET:?say $SET}", "the required variable UNSET is not set: say value"),
        ("${EMPTY:?why}", "the required variable EMPTY is empty: why"),
        ("${UNSET:-${ALSO?deep}}", "the required variable ALSO is not set: deep"),
        ("$", "`$` names no variable"),
        ("a $1", "`$1` names no variable"),
        ("$(date)", "`$(date)` names no variable"),
        ("${SET", "`${SET` has no closing brace"),
        ("${}", "`${}` is no variable"),
        ("${SET/a/b}", "`${SET/a/b}` is no variable"),
        ("${1A}", "`${1A}` is no variable"),
        ("${SET:=x}", "`${SET:=x}` is no variable"),
        ("${SET:}", "`${SET:}` is no variable"),
    ],
)
def test_what_cannot_be_interpolated(text: str, message: str) -> None:
    with pytest.raises(InterpolationError) as raised:
        substitute(text, VARIABLES)
    assert str(raised.value) == message


def test_variables_without_value_are_told() -> None:
    told: list[str] = []
    substitute("$A ${B} ${C-} ${D:-x} ${E+r} $SET", VARIABLES, told.append)
    assert told == ["A", "B"]


parts = st.recursive(
    st.one_of(
        st.text(alphabet="ab :-?+/", max_size=5).map(lambda text: ("text", text)),
        st.just(("dollar",)),
        st.sampled_from(["SET", "EMPTY", "UNSET"]).map(lambda name: ("plain", name)),
    ),
    lambda inner: st.tuples(
        st.just("op"),
        st.sampled_from(["SET", "EMPTY", "UNSET"]),
        st.sampled_from(["-", ":-", "+", ":+"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=8,
)


def written(part: tuple) -> str:  # type: ignore[type-arg]
    match part:
        case ("text", text):
            return str(text)
        case ("dollar",):
            return "$$"
        case ("plain", name):
            return f"${{{name}}}"
        case (_, name, operator, rest):
            return f"${{{name}{operator}{''.join(map(written, rest))}}}"
    raise AssertionError


def meant(part: tuple) -> str:  # type: ignore[type-arg]
    match part:
        case ("text", text):
            return str(text)
        case ("dollar",):
            return "$"
        case ("plain", name):
            return VARIABLES.get(name, "")
        case (_, name, operator, rest):
            value = VARIABLES.get(name)
            counts = bool(value) if ":" in operator else value is not None
            other = "".join(map(meant, rest))
            if "+" in operator:
                return other if counts else ""
            return (value or "") if counts else other
    raise AssertionError


@given(st.lists(parts, max_size=5))
def test_it_agrees_with_a_tree_of_what_was_meant(tree: list[tuple]) -> None:  # type: ignore[type-arg]
    assert substitute("".join(map(written, tree)), VARIABLES) == "".join(map(meant, tree))


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        substitute(text, VARIABLES)
    except InterpolationError:
        assert "$" in text


@given(st.text())
def test_a_doubled_dollar_gives_any_text_back(text: str) -> None:
    assert substitute(text.replace("$", "$$"), {}) == text


def test_a_value_cannot_change_the_structure() -> None:
    service = web("command: [run, $X]", environment={"X": "a: b\nprivileged: true\n- c"})
    assert service.command == ("run", "a: b\nprivileged: true\n- c")
    assert not service.privileged


def test_keys_are_not_interpolated() -> None:
    assert web("labels: {$X: $X}", environment={"X": "x"}).labels == {"$X": "x"}
    assert web("labels: [$X=$X]", environment={"X": "x"}).labels == {"x": "x"}


def test_values_take_the_type_of_their_field() -> None:
    service = web(
        """
        scale: $N
        tty: ${YES}
        cpus: ${HALF}
        oom_score_adj: $N
        networks: {default: {priority: "$N"}}
        depends_on: {db: {condition: service_started, required: "${NO}"}}
        ports: ["$P:80"]
        """,
        "  db: {image: db}",
        environment={"N": "3", "YES": "true", "NO": "false", "HALF": "0.5", "P": "8080"},
    )
    assert (service.deploy.replicas, service.tty, service.deploy.limits.cpus) == (3, True, 0.5)
    assert (service.oom_score_adj, service.networks["default"].priority) == (3, 3)
    assert service.depends_on["db"].required is False
    assert service.ports[0].published == 8080


def test_a_required_variable_is_told_with_its_line_and_nothing_follows_from_it() -> None:
    text = "services:\n  web:\n    image: ${IMAGE:?name an image}\n"
    assert problems(text) == ["3: services.web.image: the required variable IMAGE is not set: name an image"]


def test_a_dollar_sign_that_begins_nothing_is_told_with_a_hint() -> None:
    text = "services:\n  web:\n    image: web\n    command: sh -c 'echo $(date)'\n"
    assert problems(text) == ["4: services.web.command: `$(date)'` names no variable (write `$$` for a dollar sign)"]


def test_an_unset_variable_is_a_warning() -> None:
    _, warnings = load_all("services:\n  web:\n    image: web:$TAG\n")
    assert [shown(one) for one in warnings] == [
        "3: services.web.image: the variable TAG is not set; it stands for an empty string"
    ]


def test_the_project_name_is_a_variable() -> None:
    assert app("name: shop\nservices: {web: {image: '$COMPOSE_PROJECT_NAME/web'}}").services["web"].image == "shop/web"
