"""Small files that mean something huge, and large files with much that is wrong, are answered soon."""

from __future__ import annotations

from .parts import app, problems, web, web_problems


def test_a_service_has_a_limited_number_of_ports() -> None:
    assert len(web("ports: ['10000-20000:10000-20000/udp']").ports) == 10_001
    assert web_problems("ports: ['1-65535:1-65535']") == [
        "4: services.web.ports.0: more than 20,000 ports for one service"
    ]
    assert web_problems("ports: ['1-15000:1-15000', '20001-30000:20001-30000']") == [
        "4: services.web.ports.1: more than 20,000 ports for one service"
    ]


def test_a_number_of_any_length_is_no_range_of_ports() -> None:
    assert web_problems("ports: ['1-99999999']") == [
        "4: services.web.ports.0: `1-99999999` is no port and no range of ports"
    ]


def test_variables_that_double_with_every_line_are_stopped() -> None:
    lines = "A0=xxxxxxxxxx\n" + "".join(f"A{i + 1}=$A{i}$A{i}\n" for i in range(60))
    (first, *others) = problems("services: {web: {image: w}}", files={".env": lines})
    assert first == ".env:18: longer than 1,048,576 characters with its variables filled in"
    assert len(others) <= 60 // 17


def test_a_value_that_grows_beyond_measure_is_refused() -> None:
    found = web_problems(f"hostname: {'$A' * 2000}", environment={"A": "x" * 1000})
    assert found == ["4: services.web.hostname: longer than 1,048,576 characters with its variables filled in"]


def test_variables_nest_only_so_deep() -> None:
    assert web("hostname: " + "${A:-" * 50 + "x" + "}" * 50).hostname == "x"
    assert web_problems("hostname: " + "${A:-" * 5000 + "x" + "}" * 5000) == [
        "4: services.web.hostname: variables are nested more than 50 levels deep"
    ]


def test_thousands_of_mistakes_are_all_told() -> None:
    assert len(web_problems("".join(f"zz{i}: 1\n" for i in range(3000)))) == 3000
    assert len(web_problems(f"cap_add: [{', '.join('A' for _ in range(3000))}]")) == 2999


def test_long_files_of_variables_are_read_in_one_pass() -> None:
    lines = "".join(f"A{i}=x$A{i - 1 if i % 10 else 0}\n" for i in range(20_000))
    assert web("hostname: ${A9}", files={".env": lines}).hostname == "x" * 10


def test_a_chain_of_extends_has_an_end() -> None:
    def chain(length: int) -> str:
        services = "".join(f"  s{i}: {{extends: s{i + 1}}}\n" for i in range(length))
        return f"services:\n{services}  s{length}: {{image: a}}\n"

    assert app(chain(100)).services["s0"].image == "a"
    assert problems(chain(150)) == [
        "102: services.s100.extends: extends more than 100 services, one after the other",
    ]


def test_what_is_included_in_several_places_is_loaded_once() -> None:
    files = {f"a{i}.yaml": f"include: [a{i + 1}.yaml, a{i + 1}.yaml]\n" for i in range(50)}
    files["a50.yaml"] = "services: {deep: {image: deep}}\n"
    assert sorted(app("include: [a0.yaml, a0.yaml]\nservices: {web: {image: w}}", files=files).services) == [
        "deep",
        "web",
    ]


def test_includes_nest_only_so_deep() -> None:
    files = {f"a{i}.yaml": f"include: [a{i + 1}.yaml]\n" for i in range(150)}
    assert problems("include: [a0.yaml]\nservices: {web: {image: w}}", files=files) == [
        "a99.yaml:1: include.0: includes more than 100 files, one within the other"
    ]
