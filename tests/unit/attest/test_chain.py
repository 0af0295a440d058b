"""An audit trail of which anything was changed does not verify."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from fairway.attest import chain
from fairway.model.audit import Entry, Sealed


def entry(command: str, release: int = 0) -> Entry:
    return Entry(who="ann", machine="desk", command=command, outcome="done", release=release)


def trail(length: int = 5) -> tuple[dict[str, bytes], list[Sealed]]:
    """Each second line is of a release, which knows the line before it."""
    files: dict[str, bytes] = {}
    releases: list[Sealed] = []
    for number in range(1, length + 1):
        if number % 2 == 0:
            releases.append(Sealed(number=number, seal=f"seal {number}", audit=chain.head(files), concluded=True))
        line = chain.following(files, entry(f"command {number}", number if number % 2 == 0 else 0), "now", releases)
        files[chain.name(number)] = chain.encode(line)
    return files, releases


def test_a_whole_trail_is_whole() -> None:
    assert chain.verify(*trail()) == ()
    assert chain.verify({}, ()) == ()
    assert [line.number for line in chain.lines(trail()[0])] == [1, 2, 3, 4, 5]


def test_a_changed_line_is_found_by_the_next_one() -> None:
    files, releases = trail()
    files[chain.name(3)] = files[chain.name(3)].replace(b"command 3", b"nothing 3")
    assert chain.verify(files, releases) == (
        "line 3 was changed, or line 4 was inserted: the hash in line 4 is another one",
        "line 3 was changed: release 4 knows it with another hash",
    )


def test_a_removed_line_is_found() -> None:
    files, releases = trail()
    del files[chain.name(3)]
    assert chain.verify(files, releases) == ("line 3 was removed",)


def test_a_trail_that_was_cut_off_is_found_by_the_releases() -> None:
    files, releases = trail()
    del files[chain.name(4)], files[chain.name(5)], files[chain.name(3)]
    assert chain.verify(files, releases) == (
        "the trail was cut off: release 4 knows line 3, and it is not there",
        "no line tells of release 4: its line was removed, or its deployer was killed before it wrote it",
    )


def test_a_removed_line_that_was_closed_over_is_found() -> None:
    """Whoever renames the lines after it has to change each of them."""
    files, releases = trail()
    for number in (3, 4):
        files[chain.name(number)] = files[chain.name(number + 1)]
    del files[chain.name(5)]
    assert "line 3 is not in its place: it says that it is line 4" in chain.verify(files, releases)


def test_an_inserted_line_is_found() -> None:
    files, releases = trail()
    known = {path: data for path, data in files.items() if path < chain.name(3)}
    forged = chain.following(known, entry("never done"), "now", releases)
    for number in (5, 4, 3):
        files[chain.name(number + 1)] = files[chain.name(number)]
    files[chain.name(3)] = chain.encode(forged)
    assert "line 4 is not in its place: it says that it is line 3" in chain.verify(files, releases)


def test_the_record_of_a_release_that_was_changed_is_found() -> None:
    files, releases = trail()
    changed = [replace(one, seal="another") if one.number == 2 else one for one in releases]
    assert chain.verify(files, changed) == ("the record of release 2 was changed since line 2",)
    assert "the record of release 2 was removed: line 2 tells of it" in chain.verify(files, releases[1:])


def test_a_record_that_was_dropped_on_purpose_is_not_missed() -> None:
    files, releases = trail()
    files[chain.name(6)] = chain.encode(chain.following(files, replace(entry("prune"), dropped=(2,)), "now", releases))
    assert chain.verify(files, releases[1:]) == ()
    changed = [replace(one, seal="another") if one.number == 2 else one for one in releases]
    assert chain.verify(files, changed) == ("the record of release 2 was changed since line 2",)


def test_what_a_killed_deployer_has_left_is_told_of_by_the_next_line() -> None:
    files, releases = trail(2)
    releases.append(Sealed(number=9, seal="s", audit=chain.head(files), concluded=True))
    assert chain.verify(files, releases) != ()
    line = chain.following(files, entry("status"), "now", releases)
    files[chain.name(line.number)] = chain.encode(line)
    assert line.unrecorded == (9,)
    assert chain.verify(files, releases) == ()


@given(some.data())
def test_no_line_can_be_changed_but_the_last(data: some.DataObject) -> None:
    files, releases = trail(6)
    number = data.draw(some.integers(1, 5))
    content = bytearray(files[chain.name(number)])
    content[data.draw(some.integers(0, len(content) - 1))] ^= data.draw(some.integers(1, 255))
    files[chain.name(number)] = bytes(content)
    assert chain.verify(files, releases)


@given(some.sets(some.integers(1, 6), min_size=1))
def test_no_lines_can_be_removed(numbers: set[int]) -> None:
    files, releases = trail(6)
    for number in numbers:
        del files[chain.name(number)]
    assert chain.verify(files, releases)
