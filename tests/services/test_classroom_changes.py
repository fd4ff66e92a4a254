"""What became different on the LAN, told; and what passes on it in a second."""

from __future__ import annotations

import pytest

from mcast_tui.services.lab.classroom.changes import MOST, changes
from mcast_tui.services.lab.classroom.scene import Watch
from mcast_tui.services.notice import Level
from tests.pictures import entry, host, member, picture, scene, sender, switch


def test_who_begins_anew_is_not_counted_backwards() -> None:
    what = scene(
        picture(3, member("viewer", 2, 500, serial=1), at=100),
        picture(3, member("viewer", 2, 30, serial=2), at=101),
    )
    assert what.member_rates == {"viewer": 30.0}


def test_the_window_of_a_rate_is_a_second() -> None:
    watch = Watch()
    for tenth in range(40):
        watch.add(
            picture(3, sender("stream", 1, 0 if tenth < 30 else (tenth - 29) * 10), at=100 + tenth / 10)
        )
    assert watch.scene(1).sender_rates == {"stream": pytest.approx(100)}


def told(before: object, now: object) -> list[tuple[Level, str]]:
    return [(notice.level, notice.what) for notice in changes(before, now)]


def test_an_entry_that_goes_although_its_host_is_still_a_member_is_a_warning() -> None:
    listed = (switch(entries=(entry(2, 0.2),)),)
    member_still = [host(1), host(2, "239.1.1.1"), host(3)]
    gone = "switch: forgets (*,239.1.1.1) at port 2"
    before = picture(member_still, switches=listed)
    assert told(before, picture(member_still)) == [(Level.WARNING, f"{gone}, but host2 is a member")]
    assert told(before, picture(3)) == [
        (Level.DONE, gone),
        (Level.DONE, "host2: its kernel has left 239.1.1.1 on eth0"),
    ]


def test_joins_entries_and_queriers_are_told_as_they_come_and_go() -> None:
    listed = (switch(entries=(entry(3, 4.0, "232.1.1.1", "192.168.10.1"),), querier_address=None),)
    joined = [host(1), host(2), host(3, "232.1.1.1")]
    assert [what for _, what in told(picture(3), picture(joined, switches=listed))] == [
        "switch: lists (192.168.10.1,232.1.1.1) at port 3",
        "switch: the querier 192.168.10.254 counts as gone",
        "host3: its kernel is a member of 232.1.1.1 on eth0",
    ]
    assert told(picture(3), picture(3)) == []
    twice = [host(1), host(2), host(3, "232.1.1.1", users=2)]
    assert (Level.DONE, "host3: its kernel counts 2 users of 232.1.1.1 on eth0, 1 before") in told(
        picture(joined), picture(twice)
    )


def test_a_flood_of_changes_is_cut_and_counted() -> None:
    many = tuple(entry(2, 3.0, f"239.1.{last}.1") for last in range(200))
    found = told(picture(3), picture(3, switches=(switch(entries=many),)))
    assert len(found) == MOST + 1
    assert found[-1][1] == f"and {200 - MOST} more changes at once"
