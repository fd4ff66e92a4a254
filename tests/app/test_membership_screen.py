"""The Membership screen: the kernel's tables, the timeline, the queriers and what just happened.

What the kernel says comes from real joins on a host of the lab; what needs a tap is made by hand.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from mcast_tui.app.palette import ASCII, UNICODE
from mcast_tui.app.screens import membership as membership_screen
from mcast_tui.app.screens import stage
from mcast_tui.app.widgets.columns import titles_of
from mcast_tui.app.widgets.field_list import FieldList
from mcast_tui.app.widgets.membership_columns import COLUMNS, fit_columns, row_of
from mcast_tui.app.widgets.membership_fields import MOST_LISTED, membership_fields
from mcast_tui.app.widgets.timeline_entry import entry_line
from mcast_tui.errors import NetworkRefused, PermissionRefused
from mcast_tui.net import kernel
from mcast_tui.net.kernel import KernelView
from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.membership.facts import (
    Explanation,
    HeardGroup,
    HeardMember,
    HostMembership,
    PruneCountdown,
    QuerierFacts,
    Step,
    TimelineEntry,
    What,
)
from mcast_tui.services.membership.timeline import Timeline
from mcast_tui.services.tap.tap import TapState
from mcast_tui.wire.membership.message import Protocol
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, SourceFilter
from tests.app.frame import frame_on
from tests.peers import socat_peer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.tap.traffic import TapTraffic
    from mcast_tui.wire.literal import Address
    from tests.app.frame import Frame

SECOND = 10**9
GROUP = IPv4Address("224.1.0.1")
OPEN = TapState(is_open=True, interfaces=("eth0",), way="in this process")
HOSTILE = "e\x1b[2J[/b]\u202ex"
"""What a name may hold: an escape sequence, markup, and a turn of the reading direction."""


class HandMade:
    """A `MembershipSource` of what a test says."""

    origin = "made by hand"

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.explanation: Explanation | None = None
        self.tap = OPEN
        self.traffic: TapTraffic | None = None
        self.memberships: Sequence[HostMembership] = ()
        self.queriers_heard: Sequence[QuerierFacts] = ()
        self.countdowns: Sequence[PruneCountdown] = ()
        self.heard: Sequence[HeardGroup] = ()

    def follow(self) -> None:
        """Nothing changes by itself."""

    def listen(self) -> None:
        """What is heard is said by the test."""

    def rows(self) -> Sequence[HostMembership]:
        return self.memberships

    def queriers(self) -> Sequence[QuerierFacts]:
        return self.queriers_heard

    def prunes(self) -> Sequence[PruneCountdown]:
        return self.countdowns

    def heard_groups(self) -> Sequence[HeardGroup]:
        return self.heard


@pytest.fixture(scope="module")
def some_host() -> Iterator[Host]:
    """Return a host for all tests that neither look at its memberships nor change its interfaces."""
    with Lab(1) as lab:
        yield lab.host(1)


@pytest.fixture
def source() -> HandMade:
    """Return what the app asks, in place of the kernel and the wire."""
    return HandMade()


def membership(
    group: Address = GROUP,
    *,
    users: int = 1,
    ours: int = 0,
    name: str = "eth0",
    reason: str = "the default",
) -> HostMembership:
    view = KernelView(users, "EXCLUDE", (), 3, "/proc/net/igmp")
    return HostMembership(2, name, group, view, ours, Protocol.IGMPV3, reason, None)


def querier(address: str = "192.168.10.1", *, age_s: float = 5, **changes: object) -> QuerierFacts:
    heard = time.time_ns() - round(age_s * SECOND)
    facts = QuerierFacts(
        2, 4, ip_address(address), bytes(6), Protocol.IGMPV3, heard, heard,
        125.0, "announced (QQIC)", 2, 10.0, is_elected=True, is_off_subnet=False,
    )  # fmt: skip
    return replace(facts, **changes)


def countdown(left_s: float, *, overdue: bool = False, seen: bool = True) -> PruneCountdown:
    now = time.time_ns()
    expires = now + round(left_s * SECOND)
    return PruneCountdown(2, GROUP, now - 60 * SECOND, seen, expires, overdue, "the querier's values")


def entry(
    what: What = What.REPORT, text: str = "said", *, seen: bool = True, **changes: object
) -> TimelineEntry:
    made = TimelineEntry(time.time_ns(), what, seen, 2, "eth0", GROUP, "192.168.10.3", text, "tap")
    return replace(made, **changes)


async def shown(frame: Frame) -> None:
    """Go to the screen and have it draw what is known now."""
    await frame.press("4")
    frame.stage.sample({})
    await frame.pilot.pause()


def line_with(frame: Frame, *words: str) -> str:
    """Return the one line in which all these words are; empty when there is none."""
    return next((line for line in frame.text.splitlines() if all(word in line for word in words)), "")


def told(frame: Frame) -> list[tuple[str, str, str]]:
    """Return what the timeline says of this app; what hosts report scrolls it out of sight."""
    entries = frame.stage.memberships.timeline.since(0)
    return [(each.what.value, str(each.group), each.text) for each in entries if each.who == "this app"]


def entries(frame: Frame) -> list[str]:
    """Return the numbered entries of the timeline that are on screen."""
    return re.findall(r"entry \d+\.", frame.text)


# -- what the kernel says of real memberships


async def test_a_join_shows_as_a_row_and_in_the_timeline_and_a_leave_takes_the_row_away(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "192.168.10.3,232.1.1.1:5000", size=(120, 40)) as frame:
        await frame.press("4")
        await frame.until(lambda: line_with(frame, "224.1.0.1 ", " 1 » this app", "EXCLUDE{}"), "the row")
        await frame.until(lambda: line_with(frame, "232.1.1.1 ", "INCLUDE{"), "the source-specific one")
        assert ("join", "224.1.0.1", "port 6666, any source") in told(frame)
        assert ("join", "232.1.1.1", "port 5000, source 192.168.10.3") in told(frame)
        assert line_with(frame, "ff02::1 ", "kernel")
        await frame.press("L")
        await frame.joined(1)
        assert ("leave", "224.1.0.1", "port 6666, any source") in told(frame)
        await frame.until(lambda: not line_with(frame, "eth0", "224.1.0.1 ", "EXCLUDE{}"), "no row")


async def test_another_program_s_membership_is_an_other_s_and_counted_beside_ours(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:
        await frame.press("4")
        with socat_peer(host1, "224.1.0.1", 6666, "reuseaddr"), socat_peer(host1, "224.9.9.9", 7777):
            await frame.until(lambda: line_with(frame, "224.1.0.1 ", " 2 » this app +1"), "both")
            await frame.until(
                lambda: line_with(frame, "224.9.9.9 ", " 1 · other", "EXCLUDE{}"), "the other's"
            )
        await frame.until(lambda: not line_with(frame, "224.9.9.9 ", "EXCLUDE{}"), "its end")
        await frame.until(lambda: line_with(frame, "224.1.0.1 ", " 1 » this app"), "ours alone")


async def test_memberships_are_shown_before_anything_is_joined_and_after_the_last_leave(host1: Host) -> None:
    async with frame_on(host1) as frame:
        await frame.press("M")
        await frame.until(lambda: line_with(frame, "224.0.0.1 ", "kernel"), "the kernel's own")
        assert "Nothing to explain yet." in frame.text
        await frame.enter("/join 224.1.0.1")
        await frame.joined()
        await frame.until(lambda: line_with(frame, "224.1.0.1 ", "this app", "EXCLUDE{}"), "the row")
        await frame.press("escape", "L")
        await frame.joined(0)
        assert frame.stage.centre == stage.MEMBERSHIP


async def test_an_empty_timeline_says_what_will_be_shown_there(some_host: Host, source: HandMade) -> None:
    async with frame_on(some_host, memberships=source) as frame:
        await frame.press("M")
        await frame.until(
            lambda: "What happens to memberships, here and elsewhere, shows here." in frame.text, "the hint"
        )


async def test_tables_that_cannot_be_read_are_called_unknown_and_not_empty(
    host1: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with frame_on(host1, "224.1.0.1") as frame:

        def unreadable(_: kernel.MembershipReader) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(kernel.MembershipReader, "read", unreadable)
        await frame.press("4")
        await frame.until(
            lambda: "Not known: the kernel's tables cannot be read" in frame.text, "the unknown"
        )
        assert "Permission denied" in frame.text


async def test_the_cursor_selects_our_group_and_only_ours_can_be_left(host1: Host) -> None:
    async with frame_on(host1, "224.1.0.1", "224.1.0.2") as frame:
        await frame.press("4")
        await frame.until(lambda: frame.stage.membership.table.chosen, "rows")
        assert frame.stage.membership.table.chosen.group == GROUP
        await frame.press("j")
        assert frame.stage.desk.selected.label == "224.1.0.2:6666"
        await frame.press("f5")
        await frame.until(lambda: frame.stage.membership.table.chosen.group == GROUP, "the cursor to follow")
        await frame.press("end")
        assert frame.stage.desk.selected is None
        assert "main.leave" not in frame.keys
        chosen = frame.stage.membership.table.chosen
        await frame.press("J")
        assert frame.line == f"/join {chosen.group} if {chosen.interface}"
        await frame.press("escape")
        frame.stage.composer.input.clear()
        await frame.enter("/join 224.1.0.3")
        new = IPv4Address("224.1.0.3")
        await frame.until(lambda: frame.stage.membership.table.chosen.group == new, "the cursor on it")
        await frame.press("escape", "home")
        await frame.pilot.click(frame.stage.membership.table, offset=(8, 1))
        assert frame.stage.desk.selected.label == "224.1.0.2:6666"


async def test_a_cursor_just_moved_stays_although_the_screen_is_drawn_before_that_is_heard(
    some_host: Host, source: HandMade
) -> None:
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        source.memberships = (membership(ours=1, users=1), membership(IPv4Address("224.9.9.9")))
        [group] = frame.node.groups
        source.memberships = tuple(replace(each, ifindex=group.ifindex) for each in source.memberships)
        await shown(frame)
        table = frame.stage.membership.table
        assert table.chosen.group == GROUP
        table.action_edge(1)
        frame.stage.sample({})  # what the person did waits in a queue still
        assert str(table.chosen.group) == "224.9.9.9"
        await frame.until(lambda: frame.stage.desk.selected is None, "all traffic")
        await frame.press("f5")
        await frame.until(lambda: table.chosen.group == GROUP, "the cursor to follow")


# -- many, odd and hostile ones


async def test_ten_thousand_memberships_cost_the_rows_on_screen(
    some_host: Host, source: HandMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = int(IPv4Address("239.0.0.0"))
    source.memberships = tuple(membership(IPv4Address(first + number)) for number in range(10_000))
    made: list[int] = []
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        table = frame.stage.membership.table
        monkeypatch.setattr(table, "_line_at", lambda y: made.append(y) or table.row(y))
        await shown(frame)
        assert "10000 memberships" in frame.text
        await frame.press("end")
        assert "239.0.39.15 " in frame.text
        await frame.press("home", "pagedown", "up")
        assert "239.0.0.0 " in frame.text
        assert 0 < len(set(made)) <= 4 * table.size.height  # so many screens
        assert len(frame.app.screen.query("#memberships *")) <= 2  # its scrollbars


async def test_the_cursor_stays_on_its_membership_when_others_come_and_go(
    some_host: Host, source: HandMade
) -> None:
    rows = tuple(membership(IPv4Address(f"239.0.0.{number}")) for number in range(1, 9))
    source.memberships = rows
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        table = frame.stage.membership.table
        await frame.press("j", "j")
        assert str(table.chosen.group) == "239.0.0.3"
        source.memberships = rows[2:]
        frame.stage.sample({})
        assert str(table.chosen.group) == "239.0.0.3"
        source.memberships = rows[3:]
        frame.stage.sample({})
        assert table.chosen is not None
        source.memberships = ()
        frame.stage.sample({})
        await frame.press("j", "enter", "J", "f")
        assert table.chosen is None
        assert "Nothing is selected" in frame.text


async def test_the_name_of_an_interface_can_hold_anything_and_is_only_shown(
    some_host: Host, source: HandMade
) -> None:
    source.memberships = (membership(name=HOSTILE, reason=f"net.ipv4.conf.{HOSTILE} is 2"),)
    source.timeline.add(entry(interface=HOSTILE, group=None, text=HOSTILE))
    source.explanation = Explanation(1, HOSTILE, (Step(is_seen=True, text=HOSTILE, evidence=HOSTILE),))
    source.tap = TapState(is_open=False, error=PermissionRefused("tap", HOSTILE, remedy=HOSTILE))
    async with frame_on(some_host, "224.1.0.1", size=(200, 50), memberships=source) as frame:
        await shown(frame)
        await frame.press("enter")
        await frame.until(lambda: "on e␛[2J[/b]<U+202E>x (ifindex 2)" in frame.text, "the detail")
        assert line_with(frame, "e␛[2J[/b]")
        await frame.press("J")
        assert frame.line == "/join 224.1.0.1 if 2"  # a name that cannot be typed is said by its number
        assert "\x1b" not in frame.text
        assert "\u202e" not in frame.text


async def test_a_real_interface_with_markup_in_its_name_harms_nothing(host1: Host) -> None:
    host1.run(["ip", "link", "set", "eth0", "down"])
    host1.run(["ip", "link", "set", "eth0", "name", "[b]\u202e"])
    host1.run(["ip", "link", "set", "[b]\u202e", "up"])
    async with frame_on(host1, size=(120, 40)) as frame:
        await frame.press("M")
        await frame.until(lambda: line_with(frame, "[b]<U+202…", "224.0.0.1 "), "the row")


# -- the timeline


async def test_the_timeline_says_what_was_seen_and_what_is_inferred_and_by_what(
    some_host: Host, source: HandMade
) -> None:
    source.timeline.add(entry(What.QUERY, "IGMPv3 general query", group=None))
    source.timeline.add(entry(What.REPORT, "CHANGE_TO_EXCLUDE_MODE {}", seen=False, origin="RFC 3376"))
    source.timeline.add(entry(What.ALARM, "the next query is overdue"))
    async with frame_on(some_host, "224.1.0.1", size=(200, 50), memberships=source) as frame:
        await shown(frame)
        assert "● seen ○ inferred" in frame.text
        assert line_with(frame, "● query", "eth0", "192.168.10.3", "IGMPv3 general query", "tap")
        assert line_with(frame, "○ report", "224.1.0.1", "CHANGE_TO_EXCLUDE_MODE {}", "RFC 3376")
        assert line_with(frame, "● ▲ alarm", "the next query is overdue")
        source.timeline.add(entry(What.LEAVE, "gone"))
        await frame.until(lambda: line_with(frame, "● leave", "gone"), "the new entry, without a sample")


async def test_scrolled_up_the_timeline_stands_still_until_it_is_told_to_follow(
    some_host: Host, source: HandMade
) -> None:
    for number in range(200):
        source.timeline.add(entry(text=f"entry {number}."))
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        view = frame.stage.membership.timeline
        assert "entry 199." in frame.text
        view.focus()
        await frame.press("k", "pageup", "pageup")
        assert not view.is_following
        before = entries(frame)
        for number in range(200, 230):
            source.timeline.add(entry(text=f"entry {number}."))
        await frame.until(lambda: "▼ 30 new, End follows" in frame.text, "the word on what came")
        assert entries(frame) == before
        await frame.press("enter")
        await frame.until(lambda: line_with(frame, "known", "seen", "tap"), "the entry's detail")
        await frame.press("escape", "end")
        await frame.until(lambda: "entry 229." in frame.text, "the newest")
        await frame.enter("/clear")
        await frame.until(lambda: not entries(frame), "an empty view")
        await frame.enter("/clear undo")
        await frame.until(lambda: "entry 229." in frame.text, "what was hidden")


async def test_what_the_timeline_lets_go_of_is_let_go_of_on_screen(some_host: Host, source: HandMade) -> None:
    source.timeline = Timeline(keep=50)
    for number in range(50):
        source.timeline.add(entry(text=f"entry {number}."))
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        view = frame.stage.membership.timeline
        view.focus()
        await frame.press("home", "j")
        assert view.chosen.text == "entry 1."
        for number in range(50, 60):
            source.timeline.add(entry(text=f"entry {number}."))
        await frame.until(lambda: view.row_count == 50 and view.chosen.text == "entry 10.", "the oldest left")


async def test_the_timeline_can_be_narrowed_to_one_group(some_host: Host, source: HandMade) -> None:
    source.memberships = (membership(ours=1),)
    source.timeline.add(entry(text="about it"))
    source.timeline.add(entry(text="about another", group=IPv4Address("224.9.9.9")))
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        await frame.press("f")
        assert "TIMELINE of 224.1.0.1 alone" in frame.text
        assert "about it" in frame.text
        assert "about another" not in frame.text
        assert "f all groups" in frame.text.splitlines()[-1]
        await frame.press("f")
        assert "about another" in frame.text


async def test_a_key_begins_a_command_where_there_is_such_a_command(
    some_host: Host, source: HandMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.memberships = (membership(ours=1),)
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        monkeypatch.setattr(membership_screen, "find_command", {"source": "known"}.get)
        assert "membership.block" not in frame.keys
        await frame.press("b")
        assert not frame.line
        await frame.press("s")
        assert frame.line == "/source "


# -- queriers, countdowns and explanations


async def test_a_querier_is_shown_with_its_values_their_origin_and_what_is_wrong(
    some_host: Host, source: HandMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcast_tui.app.widgets.querier_view.LATE_S", 60)  # however slow this machine is
    source.queriers_heard = (
        querier(),
        querier(
            "10.0.0.9",
            age_s=730,
            protocol=Protocol.IGMPV1,
            is_off_subnet=True,
            is_robustness_told=False,
            is_response_told=False,
        ),
        querier("192.168.10.7", is_elected=False),
        querier("192.168.10.8", age_s=140),
    )
    async with frame_on(some_host, "224.1.0.1", size=(200, 50), memberships=source) as frame:
        await shown(frame)
        assert line_with(frame, "● eth0 IPv4 192.168.10.1  IGMPv3  elected")
        assert "asks every 2m 05s [announced (QQIC)], robustness 2, answers" in frame.text
        assert "asks every 2m 05s [announced (QQIC)], robustness 2 by  " in frame.text
        assert "default, answers within 10s by default: members are kept 4m  " in frame.text
        assert "members are kept 4m 20s" in frame.text
        assert line_with(frame, "✓ heard ", "ago, next expected in ")
        assert line_with(frame, "▲ heard 12m ago, the next query is overdue by 10m")
        assert line_with(frame, "✓ heard 2m ago, next expected now")
        assert "▲ off-subnet: 10.0.0.9 is in no network of eth0" in frame.text
        assert "192.168.10.7  IGMPv3  not elected" in frame.text


async def test_a_prune_countdown_says_in_words_and_by_a_glyph_how_it_stands(
    some_host: Host, source: HandMade
) -> None:
    source.memberships = (membership(ours=1),)
    async with frame_on(some_host, "224.1.0.1", size=(200, 50), memberships=source) as frame:
        await shown(frame)
        for prune, in_table, in_pane in (
            (countdown(3600), "✓ ", "● reported 1m ago"),
            (countdown(3600, seen=False), "✓ ", "○ no report heard for 1m"),
            (countdown(3600, overdue=True), "▲ ", "● overdue, reported 1m ago"),
            (countdown(-5, overdue=True), "✗ over", "● expired, reported 1m ago"),
        ):
            source.countdowns = (prune,)
            frame.stage.sample({})
            await frame.until(lambda said=in_pane: line_with(frame, said), in_pane)
            assert line_with(frame, in_table, "224.1.0.1", in_pane)
            assert line_with(frame, "» this app", "IGMPv3", in_table)
            assert ("▲ query overdue" in frame.text) is prune.is_overdue  # in the sidebar


async def test_without_a_tap_it_says_what_is_missing_why_and_what_would_help(
    some_host: Host, source: HandMade
) -> None:
    refused = PermissionRefused(
        "tap eth0", "CAP_NET_RAW is missing", remedy="Ask an administrator.", command="sudo mcast-tui tap"
    )
    source.tap = TapState(is_open=False, error=refused)
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        assert "What queriers ask and what other hosts report is invisible" in frame.text
        assert "CAP_NET_RAW is missing." in frame.text
        assert "Ask an administrator." in frame.text
        assert line_with(frame, "sudo mcast-tui tap", "y copies it")
        assert "○ inferred, no tap" in frame.text
        await frame.press("y")
        assert frame.app.clipboard == "sudo mcast-tui tap"
        assert "Copied: sudo mcast-tui tap" in frame.notices
        source.tap = TapState(is_open=False, error=NetworkRefused("tap", "what reads it stopped"))
        frame.stage.sample({})
        await frame.until(lambda: "No tap: what reads it stopped." in frame.text, "the other reason")
        assert "sudo mcast-tui tap" not in "".join(frame.text.splitlines()[:-8])
        assert "membership.copy_tap" not in frame.keys
        source.tap = OPEN
        frame.stage.sample({})
        await frame.until(lambda: "no querier heard so far" in frame.text, "the listening")


async def test_what_just_happened_gives_way_to_a_topic_and_comes_back(
    some_host: Host, source: HandMade
) -> None:
    steps = (
        Step(is_seen=True, text="A socket option was set.", evidence="setsockopt MCAST_JOIN_GROUP"),
        Step(is_seen=False, text="A report is sent.", evidence="RFC 3376 section 5.1"),
    )
    source.explanation = Explanation(time.time_ns(), "You joined 224.1.0.1 on eth0.", steps)
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        assert "You joined 224.1.0.1 on eth0." in frame.text
        assert line_with(frame, "1 ● A socket option was set.")
        assert "[setsockopt MCAST_JOIN_GROUP]" in frame.text
        assert line_with(frame, "2 ○ A report is sent.")
        await frame.press("1")
        frame.stage.show_topic(
            SimpleNamespace(
                title="Snooping",
                paragraphs=["A switch listens in.", "So it forwards."],
                references=["RFC 4541"],
                see_also=["querier"],
            )
        )
        await frame.until(lambda: "EXPLAINED" in frame.text, "the topic")
        for said in ("Snooping", "A switch listens in.", "Reference: RFC 4541", "See also: /explain querier"):
            assert said in frame.text
        assert "You joined" not in frame.text
        frame.stage.sample({})
        assert "EXPLAINED" in frame.text
        await frame.press("e")
        await frame.until(lambda: "You joined 224.1.0.1 on eth0." in frame.text, "what happened")
        source.explanation = replace(source.explanation, title="You left 224.1.0.1 on eth0.")
        frame.stage.sample({})
        await frame.until(lambda: "You left 224.1.0.1 on eth0." in frame.text, "what happened then")
        more = replace(source.explanation, steps=(*steps, Step(is_seen=True, text="Heard.", evidence="tap")))
        source.explanation = more
        frame.stage.sample({})
        await frame.until(lambda: "3 ● Heard." in frame.text, "what a tap heard of it later")
        await frame.press("1")
        frame.stage.show_explanation(source.explanation)
        await frame.until(lambda: frame.app.focused is frame.stage.membership.explanation, "the keys there")


# -- who else is a member


def member(address: str, sources: SourceFilter | None = ANY_SOURCE, *, age_s: float = 5) -> HeardMember:
    at = time.time_ns() - round(age_s * SECOND)
    protocol = Protocol.IGMPV2 if sources is None else Protocol.IGMPV3
    return HeardMember(ip_address(address), protocol, sources, at, at)


async def test_members_heard_stand_in_the_column_the_detail_and_the_groups_of_others(
    some_host: Host, source: HandMade
) -> None:
    source.memberships = (membership(ours=1), membership(IPv4Address("224.0.0.1")))
    only = SourceFilter(FilterMode.INCLUDE, (IPv4Address("192.0.2.1"),))
    many = tuple(member(f"192.168.10.{number}", age_s=100) for number in range(1, 9))
    source.heard = (
        HeardGroup(2, GROUP, (member("192.168.10.2", only), member("192.168.10.3", None))),
        HeardGroup(2, IPv6Address("ff02::1:ff00:3"), (member("fe80::3"),)),
        HeardGroup(2, IPv4Address("239.7.7.7"), many),
    )
    async with frame_on(some_host, "224.1.0.1", size=(220, 50), memberships=source) as frame:
        await shown(frame)
        assert " Heard " in frame.text
        assert re.search(r"this app .* IGMPv3 +the default +2 ", line_with(frame, "224.1.0.1 ", "this app"))
        assert re.search(r"kernel .* IGMPv3 +the default +─ ", line_with(frame, "224.0.0.1 ", "kernel"))
        assert "2 groups of others" in line_with(frame, "QUERIERS")
        assert line_with(frame, "● 239.7.7.7", "eth0  8 members, 1m ago: 192.168.10.1, ")
        assert frame.text.index("239.7.7.7") < frame.text.index(
            "ff02::1:ff00:3"
        )  # what every host has is last
        await frame.press("enter")
        await frame.until(lambda: "192.168.10.2  INCLUDE {192.0.2.1}" in frame.text, "the detail")
        assert line_with(frame, "192.168.10.3  filter not told", "IGMPv2 report at")
        assert "as heard: switches and other members keep reports from us" in frame.text
        source.tap = TapState(is_open=True, interfaces=("eth1",), way="in this process")
        frame.stage.sample({})
        await frame.until(lambda: line_with(frame, "elsewhere", "unknown"), "what is not known")
        source.tap = OPEN
        await frame.press("escape", "end", "enter")
        await frame.until(lambda: "every host is a member, and none reports it" in frame.text, "that of all")


async def test_thousands_of_members_cost_the_rows_on_screen(some_host: Host, source: HandMade) -> None:
    first = int(IPv4Address("10.0.0.0"))
    crowd = tuple(member(str(IPv4Address(first + number))) for number in range(4000))
    lone = (member("192.168.10.2"),)
    groups = tuple(HeardGroup(2, IPv4Address(int(GROUP) + 1 + number), lone) for number in range(4000))
    source.memberships = (membership(ours=1),)
    source.heard = (HeardGroup(2, GROUP, crowd), *groups)
    async with frame_on(some_host, "224.1.0.1", size=(200, 50), memberships=source) as frame:
        await shown(frame)
        await frame.press("enter")
        detail = frame.stage.membership.query_one(FieldList)
        await frame.until(lambda: detail.row_count > MOST_LISTED, "the detail")
        assert detail.row_count < 3 * MOST_LISTED
        assert frame.stage.membership.queriers.row_count > 4000
        frame.stage.membership.queriers.scroll_end(animate=False, immediate=True)
        await frame.until(lambda: str(groups[-1].group) in frame.text, "the last of the groups")


# -- sizes and looks


async def test_every_size_is_survived_and_low_ones_show_one_part_at_a_time(
    some_host: Host, source: HandMade
) -> None:
    source.memberships = (membership(ours=1), membership(IPv6Address("ff02::1:ff12:3456"), users=3))
    source.queriers_heard = (querier(),)
    source.countdowns = (countdown(100),)
    source.explanation = Explanation(1, "You joined.", ())
    for number in range(100):
        source.timeline.add(entry(text=f"entry {number}."))
    async with frame_on(some_host, "224.1.0.1", size=(80, 24), memberships=source) as frame:
        await shown(frame)
        assert "TIMELINE" in frame.text
        await frame.press("v")
        await frame.until(lambda: "WHAT JUST HAPPENED" in frame.text and "TIMELINE" not in frame.text, "that")
        await frame.press("v")
        await frame.until(lambda: "QUERIERS" in frame.text and "WHAT JUST" not in frame.text, "the queriers")
        await frame.press("v")
        await frame.until(lambda: "TIMELINE" in frame.text and "QUERIERS" not in frame.text, "the timeline")
        for width, height in ((40, 12), (1, 1), (20, 4), (200, 50), (300, 9), (120, 40)):
            await frame.pilot.resize_terminal(width, height)
            await frame.press("e", "enter")
            frame.stage.sample({})
            assert frame.stage.membership.has_focus_within
        for part in ("KERNEL", "TIMELINE", "QUERIERS", "WHAT JUST HAPPENED"):
            assert part in frame.text
        assert "membership.part" not in frame.keys
        assert "entry 99." in frame.text


@pytest.mark.parametrize("width", range(1, 200, 13))
def test_a_row_fits_its_width_and_stands_under_its_titles(width: int) -> None:
    widths = fit_columns(width, ("eth0",), with_ipv6=True, with_names=True, with_prunes=True, with_heard=True)
    long = membership(IPv6Address("ff02::1:ff12:3456:789a:bcde"), name="a" * 15)
    row = row_of(long, widths, countdown(100), 7, time.time_ns(), UNICODE)
    assert row.cell_length + 1 == len(titles_of(COLUMNS, widths))
    if width >= 44:
        assert row.cell_length < width
    assert {"group", "who", "filter"} <= set(widths)


def test_what_is_heard_has_a_column_where_there_is_a_tap_and_room() -> None:
    for width, with_heard, is_there in ((82, True, True), (82, False, False), (60, True, False)):
        widths = fit_columns(
            width, ("eth0",), with_ipv6=True, with_names=True, with_prunes=True, with_heard=with_heard
        )
        assert ("heard" in widths) is is_there


def test_under_ascii_nothing_but_ascii_is_written() -> None:
    widths = fit_columns(160, ("eth0",), with_ipv6=True, with_names=True, with_prunes=True, with_heard=True)
    now = time.time_ns()
    for row in (membership(ours=1), membership(users=3), membership(IPv4Address("224.0.0.1"))):
        for prune in (None, countdown(9), countdown(9, overdue=True), countdown(-9)):
            assert str(row_of(row, widths, prune, None, now, ASCII)).isascii()
    for what in What:
        for seen in (True, False):
            for width in (40, 80, 160):
                assert str(entry_line(entry(what, "x" * 90, seen=seen), width, ASCII)).isascii()


def test_why_a_version_is_in_force_may_name_an_interface_and_is_only_shown() -> None:
    row = membership(reason=f"net.ipv4.conf.{HOSTILE}.force_igmp_version is 2")
    widths = fit_columns(300, ("eth0",), with_ipv6=True, with_names=True, with_prunes=True, with_heard=True)
    in_the_table = str(row_of(row, widths, None, None, 0, UNICODE))
    [in_the_detail] = [field.origin for field in membership_fields(row, None, ()) if field.name == "speaks"]
    for said in (in_the_table, in_the_detail):
        assert "net.ipv4.conf.e␛[2J[/b]<U+202E>" in said


async def test_without_colour_the_cursor_is_still_set_apart(
    some_host: Host, source: HandMade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    source.memberships = (membership(ours=1), membership(IPv4Address("224.9.9.9")))
    async with frame_on(some_host, "224.1.0.1", memberships=source) as frame:
        await shown(frame)
        strips = [
            strip for strip in frame.app.screen._compositor.render_strips() if "EXCLUDE{}" in strip.text
        ]
        table = [[segment for segment in strip if "EXCLUDE{}" in segment.text][-1] for strip in strips]
        own, other = (next(each for each, strip in zip(table, strips, strict=True) if who in strip.text)
                      for who in ("» this app", "· other"))  # fmt: skip
        assert own.style.reverse
        assert not other.style.reverse


def test_the_detail_of_a_group_tells_its_mac_address_and_who_shares_it() -> None:
    fields = membership_fields(membership(IPv4Address("230.0.0.5")), countdown(9), ())
    text = " | ".join(f"{field.name}: {field.value} ({field.origin})" for field in fields)
    assert "MAC: 01:00:5e:00:00:05 (RFC 1112 section 6.4" in text
    assert "flooded: as 224.0.0.5 is" in text
    shared = next(field.value for field in fields if field.name == "aliases").split()
    assert len(shared) == 31
    assert "230.0.0.5" not in shared
    assert "pruned: at " in text
    six = membership_fields(membership(IPv6Address("ff02::1:3")), None, ())
    assert "33:33:00:01:00:03" in [field.value for field in six]
