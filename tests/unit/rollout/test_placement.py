from __future__ import annotations

import pytest

from fairway.model.deploy import Resources
from fairway.model.errors import NoHost
from fairway.model.fleet import State
from fairway.model.hosts import Filling, Host
from fairway.rollout.placement import place

from .placing import DRAINED, LOST, counts, host, replica, shown, there, told, wants

ABC = [host("a"), host("b"), host("c")]
ZONES = [host("a1", zone="a"), host("a2", zone="a"), host("a3", zone="a"), host("b1", zone="b")]


def test_one_after_the_other() -> None:
    assert shown(place([wants("web", 4)], ABC)) == "web: a b c a"


def test_by_host() -> None:
    layout = place([wants("web", 2), wants("db", data=["data"])], ABC[:2])
    layout.insist()
    told_of = {name: [f"{seat.revision} {seat.index}" for seat in seats] for name, seats in layout.by_host().items()}
    assert told_of == {"a": ["db-r1 1", "web-r1 2"], "b": ["web-r1 1"]}


def test_services_take_turns() -> None:
    assert shown(place([wants("api"), wants("db"), wants("web", 2)], ABC)) == "api: a; db: b; web: c a"


def test_packed_on_few_hosts() -> None:
    hosts = [host("a", 2), host("b", 4), host("c", 4, used=Resources(cpus=1))]
    layout = place([wants("web", 5, 1)], hosts, filling=Filling.PACK)
    assert counts(layout, "web") == {"a": 2, "c": 3}


def test_each_revision_is_spread_on_its_own() -> None:
    old = place([wants("web", 3)], ABC)
    layout = place([wants("web", 3), wants("web-r2", 3)], ABC, there(old))
    assert shown(layout) == "web: a b c; web-r2: a b c"


def test_both_revisions_count_against_the_capacity() -> None:
    hosts = [host("a", 1), host("b", 1.5)]
    old = place([wants("web", 2, 1)], hosts)
    layout = place([wants("web", 2, 1), wants("web-r2", 2, 0.5)], hosts, there(old))
    assert shown(layout) == "web: a b; web-r2: b"
    assert told(layout) == ["no host for 1 of 2 replicas of web: 2 hosts have 0 of 0.5 cpus free"]


def test_zones_first() -> None:
    layout = place([wants("web", 4, spread=("node.labels.zone",))], ZONES)
    assert shown(layout) == "web: a1 b1 a2 b1"


def test_a_zone_that_is_full() -> None:
    layout = place([wants("web", 5, spread=("node.labels.zone",), most=1)], ZONES)
    assert shown(layout) == "web: a1 b1 a2 a3"
    assert told(layout) == ["no host for 1 of 5 replicas of web: 4 hosts run 1 of it already"]


def test_zones_within_regions() -> None:
    hosts = [host(f"{region}{zone}{n}", region=region, zone=zone) for region in "xy" for zone in "ab" for n in range(2)]
    layout = place([wants("web", 4, spread=("node.labels.region", "node.labels.zone"))], hosts)
    assert shown(layout) == "web: xa0 ya0 xb0 yb0"


def test_why_not() -> None:
    hosts = [host("a", 1), host("b", 1), host("c", 1, used=Resources(cpus=0.7), disk="ssd")]
    layout = place([wants("web", 1, 0.5, "node.labels.disk==ssd")], hosts)
    assert told(layout) == ["no host for web: 2 hosts lack label disk=ssd, 1 host has 0.3 of 0.5 cpus free"]
    assert [one.hosts for one in layout.unplaced[0].objections] == [("a", "b"), ("c",)]


def test_all_that_have_no_place_at_once() -> None:
    hosts = [
        host("a", arch="x86_64", state=LOST),
        host("b", arch="x86_64", state=DRAINED),
        host("c", arch="x86_64", capacity=Resources(memory=3 << 30, pids=10), old="yes"),
    ]
    layout = place(
        [
            wants("arm", platform="linux/arm64"),
            wants("clean", 1, None, "node.labels.old!=yes", "node.role==worker"),
            wants("files", given=["shared"]),
            wants("first", 1, None, "node.role==manager"),
            wants("large", needs=Resources(memory=4 << 30)),
            wants("many", needs=Resources(pids=11)),
        ],
        hosts,
    )
    away = "1 host is drained, 1 host is lost"
    assert [line.partition(": ")[2] for line in told(layout)] == [
        f"1 host cannot run linux/arm64, {away}",
        f"1 host has label old=yes, {away}",
        "1 host is drained, 1 host is lost, 1 host lacks volume shared",
        f"1 host does not have node.role manager, {away}",
        f"1 host has 3 GiB of 4 GiB memory free, {away}",
        f"1 host has 10 of 11 pids free, {away}",
    ]
    with pytest.raises(
        NoHost, match=r"no host for arm: 1 host cannot run linux/arm64(.|\n)*no host for many"
    ) as raised:
        layout.insist()
    assert len(raised.value.problems) == 6


def test_what_is_free_differs() -> None:
    hosts = [host(name, cpus) for name, cpus in (("a", 0.1), ("b", 0.2), ("c", 0.3))]
    assert told(place([wants("web", 1, 0.5)], hosts)) == ["no host for web: 3 hosts have 0.1 to 0.3 of 0.5 cpus free"]


def test_without_hosts() -> None:
    assert told(place([wants("web")], [])) == ["no host for web: there are no hosts"]


def test_large_ones_first() -> None:
    layout = place([wants("big", 1, 1), wants("small", 2, 0.5)], [host("a", 1), host("b", 1)])
    assert shown(layout) == "big: a; small: b b"


def test_what_has_a_choice_makes_room() -> None:
    hosts = [host("a", 1, disk="ssd", fast="yes"), host("b", 1, disk="ssd"), host("c", 1, fast="yes")]
    demands = [
        wants("one", 1, 1, "node.labels.disk==ssd"),
        wants("two", 1, 1, "node.labels.fast==yes"),
        wants("ten", 1, 1, "node.labels.disk==ssd", "node.labels.fast==yes"),
    ]
    assert shown(place(demands, hosts)) == "one: b; ten: a; two: c"


def test_where_no_single_exchange_helps() -> None:
    demands = [wants(name, 1, cpus) for name, cpus in (("five", 5), ("four", 4), ("six", 6), ("one", 1))]
    assert shown(place(demands, [host("a", 9), host("b", 7)])) == "five: a; four: a; one: b; six: b"


def test_what_runs_does_not_make_room() -> None:
    hosts = [host("a", 1, disk="ssd"), host("b", 1)]
    layout = place([wants("any", 1, 1), wants("db", 1, 1, "node.labels.disk==ssd")], hosts, [replica("any", 1, "a")])
    assert shown(layout) == "any: a"
    assert told(layout) == ["no host for db: 1 host has 0 of 1 cpus free, 1 host lacks label disk=ssd"]


def test_the_lowest_numbered_stay() -> None:
    before = [replica("web", index, on) for index, on in ((2, "a"), (5, "a"), (6, "b"))]
    assert shown(place([wants("web", 2)], ABC, before)) == "web: 2=a 5=a"
    assert shown(place([wants("web", 5)], ABC, before)) == "web: 1=c 2=a 3=b 5=a 6=b"


def test_of_two_with_one_index_the_one_that_runs() -> None:
    before = [replica("web", 1, "a", State.EXITED), replica("web", 1, "b")]
    assert shown(place([wants("web")], ABC, before)) == "web: b"


def test_a_drained_host_is_left() -> None:
    hosts = [host("a", state=DRAINED), host("b"), host("c")]
    before = there(place([wants("web", 3)], ABC))
    assert shown(place([wants("web", 3)], hosts, before)) == "web: b b c"


def test_labels_change() -> None:
    before = there(place([wants("web", 2)], ABC))
    assert shown(place([wants("web", 2, None, "node.hostname!=a")], ABC, before)) == "web: c b"


class TestEverywhere:
    def test_one_on_each_host_that_will_do(self) -> None:
        hosts = [host("a"), host("b", state=DRAINED), host("c", state=LOST), host("d", 0.1), host("e", os="windows")]
        layout = place([wants("agent", 1, 0.5, "node.platform.os==linux", everywhere=True)], hosts)
        assert shown(layout) == "agent: a"
        assert told(layout) == ["no host for 1 of 2 replicas of agent: 1 host has 0.1 of 0.5 cpus free"]

    def test_a_host_comes_and_one_goes(self) -> None:
        before = there(place([wants("agent", everywhere=True)], ABC))
        hosts = [*ABC[1:], host("d")]
        assert shown(place([wants("agent", everywhere=True)], hosts, before)) == "agent: d b c"

    def test_its_data_pins_nothing(self) -> None:
        assert shown(place([wants("agent", everywhere=True, data=["/var/log"])], ABC)) == "agent: a b c"

    def test_a_host_that_was_away_keeps_its_own(self) -> None:
        before = [replica("agent", 1, "a"), replica("agent", 1, "b")]
        assert [seat.host for seat in place([wants("agent", everywhere=True)], ABC[:2], before).seats] == ["a", "b"]


class TestData:
    def test_goes_to_its_volume(self) -> None:
        hosts = [host("a"), host("b", None, "data"), host("c")]
        assert shown(place([wants("db", 2, data=["data"])], hosts)) == "db: b b"

    def test_gets_one_host_and_stays_there(self) -> None:
        first = place([wants("db", 2, data=["data"]), wants("web", 2)], ABC)
        assert shown(first) == "db: a a; web: b c"
        again = place([wants("db", 3, data=["data"]), wants("web", 2)], [*ABC, host("0")], there(first))
        assert shown(again) == "db: a a a; web: b c"

    def test_a_new_revision_goes_where_the_old_one_is(self) -> None:
        demands = [wants("db", data=["/srv"]), wants("db-r2", data=["/srv"])]
        assert shown(place(demands, ABC, [replica("db", 1, "c")])) == "db: c; db-r2: c"

    def test_those_who_share_it_go_together(self) -> None:
        demands = [wants("backup", data=["data"]), wants("db", 1, 1, "node.hostname!=a", data=["data", "more"])]
        assert shown(place(demands, [host("a", 9), host("b", 0.5), host("c", 1)])) == "backup: c; db: c"

    def test_room_for_all_who_share_it(self) -> None:
        demands = [wants("backup", 2, 0.5, data=["data"]), wants("db", 1, 1, data=["data"])]
        assert shown(place(demands, [host("a", 1), host("b", 2)])) == "backup: b b; db: b"
        assert told(place(demands, [host("a", 1)])) == [
            "no host for backup: 1 host has 1 of 2 cpus free",
            "no host for db: 1 host has 1 of 2 cpus free",
        ]

    def test_stays_on_a_drained_host_and_gets_nothing_new_there(self) -> None:
        hosts = [host("a", None, "data", state=DRAINED), host("b")]
        layout = place([wants("db", 2, data=["data"])], hosts, [replica("db", 1, "a")])
        assert shown(layout) == "db: a"
        assert told(layout) == [
            "no host for 1 of 2 replicas of db: 1 host is drained, 1 host is not a, where its data is"
        ]

    @pytest.mark.parametrize(
        "hosts",
        [[host("a", None, "data", state=LOST), host("b")], [host("a", state=LOST), host("b")], [host("b")]],
    )
    def test_is_not_placed_elsewhere_when_its_host_is_lost(self, hosts: list[Host]) -> None:
        layout = place([wants("db", data=["data"])], hosts, [replica("db", 1, "a")])
        assert layout.seats == ()
        assert told(layout)[0].endswith("1 host is not a, where its data is")

    def test_where_it_was_may_be_told(self) -> None:
        assert told(place([wants("db", data=["data"], home="x")], ABC)) == [
            "no host for db: 3 hosts are not x, where its data is"
        ]
        assert shown(place([wants("db", data=["data"], home="b")], ABC)) == "db: b"

    def test_nobody_guesses_which_copy_is_meant(self) -> None:
        hosts = [host("a", None, "data"), host("b", None, "data"), host("c")]
        assert told(place([wants("db", data=["data"])], hosts)) == [
            "no host for db: 2 hosts may hold its data: name one in a constraint, 1 host lacks its data"
        ]
        assert shown(place([wants("db", 1, None, "node.hostname==b", data=["data"])], hosts)) == "db: b"
        assert shown(place([wants("db", data=["data"])], hosts, [replica("db", 1, "b")])) == "db: b"

    def test_two_volumes_on_two_hosts(self) -> None:
        hosts = [host("a", None, "data"), host("b", None, "more"), host("c", None, "data", "more")]
        assert shown(place([wants("db", data=["data", "more"])], hosts)) == "db: c"
        assert shown(place([wants("db", data=["data", "more"])], hosts[:2])) == ""

    def test_beside_another(self) -> None:
        demands = [wants("proxy", 1, 1, beside=["web"]), wants("web", 1, 1)]
        assert shown(place(demands, [host("a", 1), host("b", 2)])) == "proxy: b; web: b"
        assert shown(place(demands, [host("a", 2), host("b", 2)], [replica("web", 1, "b")])) == "proxy: b; web: b"
        moved = place(
            demands, [host("a", 2), host("b", 2, state=LOST)], [replica("web", 1, "b"), replica("proxy", 1, "b")]
        )
        assert shown(moved) == "proxy: a; web: a"

    def test_beside_none_of_another(self) -> None:
        demands = [wants("web"), wants("job", 0, beside=["web"], given=["certs"])]
        assert shown(place(demands, [host("a"), host("b", None, "certs")], [replica("web", 1, "a")])) == "web: a"

    def test_beside_another_that_can_be_nowhere(self) -> None:
        demands = [wants("proxy", beside=["web"]), wants("web", given=["certs"])]
        layout = place(demands, [host("a"), host("b")], [replica("proxy", 1, "b")])
        assert shown(layout) == "proxy: b"
        assert told(layout) == [
            "no host for web: 1 host is not b, where what it belongs to is, 1 host lacks volume certs"
        ]

    def test_beside_data_on_a_drained_host(self) -> None:
        demands = [wants("db", data=["data"]), wants("exporter", beside=["db"])]
        before = [replica("db", 1, "a"), replica("exporter", 1, "a")]
        assert shown(place(demands, [host("a", state=DRAINED), host("b")], before)) == "db: a; exporter: a"


@pytest.mark.parametrize(
    ("demands", "hosts"), [([wants("web"), wants("web", 2)], ABC), ([wants("web")], [*ABC, host("a", 3)])]
)
def test_what_comes_twice(demands: list[object], hosts: list[Host]) -> None:
    with pytest.raises(ValueError, match="comes twice"):
        place(demands, hosts)  # type: ignore[arg-type]
