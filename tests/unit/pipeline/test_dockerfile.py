from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fairway.builders.dockerfile import bases, instructions, line_of, with_contexts

WHOLE = """\
# syntax=docker/dockerfile:1
ARG VERSION=12
FROM debian:${VERSION} AS base
RUN apt-get update && \\
    # the compiler
    apt-get install -y gcc

COPY --from=tools /bin/x /bin/x
RUN --mount=type=bind,from=assets,target=/a <<EOF python3
from os import path
EOF
FROM base
COPY --from=base /a /a
COPY --from=0 /b /b
FROM scratch
"""


@given(st.text(alphabet="FROM RUNx\\\n #<E-='\"\t"))
def test_nothing_of_the_text_is_lost(text: str) -> None:
    assert "".join(item.text for item in instructions(text)) == text
    assert with_contexts(text, {}, {}) == text


def test_images_are_found_and_stages_are_none() -> None:
    assert bases(WHOLE, {}) == ("debian:12", "tools", "assets")


def test_an_argument_of_the_build_decides_the_base() -> None:
    assert bases(WHOLE, {"VERSION": "13"})[0] == "debian:13"


def test_a_here_document_is_no_instruction() -> None:
    assert "os" not in bases(WHOLE, {})


def test_a_context_takes_the_place_of_an_image() -> None:
    text = with_contexts(WHOLE, {"tools": "r/tools:1", "assets": "r/assets:1", "debian:12": "r/base:1"}, {})
    assert "FROM r/base:1 AS base" in text
    assert "COPY --from=r/tools:1 /bin/x" in text
    assert "--mount=type=bind,from=r/assets:1,target=/a" in text
    assert "FROM base\n" in text


def test_a_context_is_preferred_to_a_stage_of_its_name() -> None:
    assert with_contexts("FROM a AS b\nFROM b\n", {"b": "r/b:1"}, {}) == "FROM a AS b\nFROM r/b:1\n"


def test_the_line_of_an_instruction_is_found_by_what_the_builder_calls_it() -> None:
    assert line_of("RUN apt-get update &&     apt-get install -y gcc", WHOLE) == 4
    assert line_of("COPY --from=base /a /a", WHOLE) == 13
    assert line_of("RUN something else", WHOLE) == 0
    assert line_of("", WHOLE) == 0
