"""Commands run on events: what they find, how they fail, and that nobody can have too many of them run."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from mcast_tui.net.kernel import KernelView
from mcast_tui.services.events import MembershipNews, QuerierLost, StreamResumed, StreamStalled
from mcast_tui.services.membership import hooks as hooks_module
from mcast_tui.services.membership.facts import QuerierFacts, TimelineEntry, What
from mcast_tui.services.membership.hooks import AT_ONCE, WAITING, Hooks
from mcast_tui.services.membership.news import facts_of
from mcast_tui.services.process.command import Command, shell_command
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.message import Protocol
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter
from tests.peers import eventually
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mcast_tui.services.events import Event
    from mcast_tui.services.lab.lan import Host

AT = 1_700_000_000_123_456_789
GROUP = ip_address("239.1.1.1")
JOINED = TimelineEntry(
    at=AT,
    what=What.JOIN,
    is_seen=True,
    ifindex=2,
    interface="eth0",
    group=GROUP,
    who="other",
    text="users 0 -> 1",
    origin="RTM_NEWMULTICAST",
    view=KernelView(1, "INCLUDE", (ip_address("192.0.2.1"), ip_address("192.0.2.2")), 3, "/proc/net/igmp"),
)
PRINT = shell_command("env | grep ^MCAST_ | sort")


class Running(Hooks):
    """Hooks under test: what they said is in `said`."""

    said: list[str]

    async def until_said(self, count: int) -> None:
        await eventually(lambda: len(self.said) >= count, f"{count} lines")


@asynccontextmanager
async def running(command: Command, *, on: str = "join", timeout_s: float = 20.0) -> AsyncIterator[Running]:
    said: list[str] = []
    async with Running({on: command}, said.append, timeout_s=timeout_s) as hooks:
        hooks.said = said
        yield hooks


async def test_a_command_finds_the_facts_in_its_environment_and_nothing_of_another(monkeypatch) -> None:
    monkeypatch.setenv("MCAST_QUERIER", "of the run that started us")
    async with running(PRINT) as hooks:
        hooks.notice(MembershipNews(JOINED))
        await hooks.until_said(12)
    assert hooks.said == [
        "command: MCAST_EVENT=join",
        "command: MCAST_FILTER=INCLUDE",
        "command: MCAST_GROUP=239.1.1.1",
        "command: MCAST_IFINDEX=2",
        "command: MCAST_INTERFACE=eth0",
        "command: MCAST_ORIGIN=RTM_NEWMULTICAST",
        "command: MCAST_SEEN=1",
        "command: MCAST_SOURCES=192.0.2.1,192.0.2.2",
        "command: MCAST_TEXT=users 0 -> 1",
        "command: MCAST_TIME=2023-11-14T22:13:20.123456789Z",
        "command: MCAST_USERS=1",
        "command: MCAST_WHO=other",
    ]


def test_a_lost_querier_and_a_stall_are_facts_too() -> None:
    querier = QuerierFacts(
        1, 4, ip_address("192.168.10.1"), bytes(6), Protocol.IGMPV3, AT, AT, 125.0, "announced (QQIC)", 2,
        10.0, is_elected=True, is_off_subnet=False,
    )  # fmt: skip
    lost = facts_of(QuerierLost(querier), AT + 130_000_000_000)
    assert (lost["event"], lost["querier"], lost["silent_s"], lost["interface"], lost["seen"]) == (
        "querier-lost", "192.168.10.1", 130.0, "lo", False,
    )  # fmt: skip
    group = SimpleNamespace(
        endpoint=parse_endpoint("192.0.2.1,232.1.1.1%eth0:5004"),
        ifindex=2,
        interface=SimpleNamespace(name="eth0"),
        proven_filter=SourceFilter(FilterMode.INCLUDE, (ip_address("192.0.2.1"),)),
    )
    stall = facts_of(StreamStalled(group, 5.0), AT)
    assert (stall["event"], stall["group"], stall["port"], stall["sources"], stall["silent_s"]) == (
        "stall", "232.1.1.1", 5004, ["192.0.2.1"], 5.0,
    )  # fmt: skip


async def test_whom_a_group_of_ours_hears_is_told_as_the_kernel_says_it(host1: Host) -> None:
    one, two = ip_address("192.168.10.2"), ip_address("192.168.10.3")
    told: list[tuple[str, str | None, list[str] | None]] = []

    def note(event: Event) -> None:
        facts = facts_of(event, AT)
        if facts is not None:
            told.append((facts["event"], facts["filter"], facts["sources"]))

    async with node_on(host1) as node:
        node.subscribe(note)
        keeping_out = SourceFilter(FilterMode.EXCLUDE, (one,))
        [group] = await node.join(parse_endpoint("239.1.1.1%eth0:6666"), sources=keeping_out)
        note(StreamStalled(group, 5.0))
        await node.change_sources(group, SourceChange(Change.ONLY, (two,)))
        note(StreamResumed(group, 6.0))
        await node.leave(group)
        [plain] = await node.join(parse_endpoint("239.1.1.2%eth0:6666"))
        await node.leave(plain)
    assert told == [
        ("join", "EXCLUDE", [str(one)]),
        ("stall", "EXCLUDE", [str(one)]),
        ("filter", "INCLUDE", [str(two)]),
        ("resume", "INCLUDE", [str(two)]),
        ("leave", "INCLUDE", [str(two)]),
        ("join", "EXCLUDE", []),
        ("leave", "EXCLUDE", []),
    ]
    assert [entry.text for entry in node.timeline.since(0) if entry.what is What.JOIN] == [
        f"port 6666, EXCLUDE {{{one}}}",
        "port 6666, any source",
    ]


async def test_whom_a_lost_membership_hears_is_not_known(host1: Host) -> None:
    async with node_on(host1) as node:
        [group] = await node.join(parse_endpoint("192.168.10.2,232.1.1.1%eth0:6666"))
        group.membership.leave()
        group.forget_filter()
        stall = facts_of(StreamStalled(group, 5.0), AT)
    assert (stall["filter"], stall["sources"]) == (None, None)


async def test_our_own_joins_run_it_once_and_other_events_not_at_all(host1: Host, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.touch()
    async with (
        node_on(host1) as node,
        running(shell_command(f"echo $MCAST_WHO $MCAST_GROUP >> {log}")) as hooks,
    ):
        node.subscribe(hooks.notice)
        [group] = await node.join(parse_endpoint("239.1.1.1%eth0:6666"))
        await eventually(lambda: log.read_text().count("\n") == 1, "the first")
        await node.join(parse_endpoint("broadcast%eth0:6667"))  # no membership
        await node.leave(group)
        node.publish(MembershipNews(JOINED))
        await eventually(lambda: log.read_text().count("\n") == 2, "the second")
    assert log.read_text() == "this app 239.1.1.1\nother 239.1.1.1\n"


async def test_a_name_that_looks_like_a_command_stays_a_value() -> None:
    odd = "$(echo pwned)`;\udcff"
    entry = TimelineEntry(AT, What.JOIN, True, 2, odd, GROUP, "other", "", "/proc/net/igmp")
    async with running(shell_command('printf "%s" "$MCAST_INTERFACE"')) as hooks:
        hooks.notice(MembershipNews(entry))
        await hooks.until_said(1)
    assert hooks.said == [f"command: {odd}"]


async def test_a_command_that_hangs_is_killed_with_all_it_started() -> None:
    naps = nap(1), nap(2)
    stubborn = shell_command(f"trap '' TERM; (setsid sleep {naps[0]})& sleep {naps[1]}")
    async with running(stubborn, timeout_s=0.3) as hooks:
        hooks.notice(MembershipNews(JOINED))
        await hooks.until_said(1)
        for each in naps:
            await gone(each)
    assert "join 239.1.1.1 on eth0: its command was killed after 0.3 s" in hooks.said


async def test_a_command_that_still_runs_at_the_end_ends_with_the_run() -> None:
    last = nap(3)
    async with running(shell_command(f"echo running; exec sleep {last}")) as hooks:
        hooks.notice(MembershipNews(JOINED))
        await hooks.until_said(1)
    await gone(last)


def nap(number: int) -> str:
    """Return how long to sleep, as no other process on this machine sleeps: to be found by it."""
    return f"4{number}.{os.getpid()}"


async def gone(word: str) -> None:
    """Wait until no process has `word` in its command line."""
    await eventually(
        lambda: not any(word.encode() in words for words in command_lines()), f"the end of {word}"
    )


def command_lines() -> Iterator[list[bytes]]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield entry.read_bytes().split(b"\0")


async def test_how_a_command_fails_is_told() -> None:
    async with running(shell_command("echo oops >&2; exit 3")) as hooks:
        hooks.notice(MembershipNews(JOINED))
        await hooks.until_said(2)
    assert sorted(hooks.said) == ["command: oops", "join 239.1.1.1 on eth0: its command ended with status 3"]
    async with running(Command("/nonexistent", ("nonexistent",))) as hooks:
        hooks.notice(MembershipNews(JOINED))
        await hooks.until_said(1)
    assert "No such file" in hooks.said[0]


async def test_a_flood_of_events_runs_few_commands_and_the_rest_is_refused_and_told(tmp_path: Path) -> None:
    """While all that run wait for the test, a thousand events come: no more run, a bounded number wait."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    flood = 1000
    async with running(shell_command(f"read line < {gate}")) as hooks:
        for _ in range(flood):
            hooks.notice(MembershipNews(JOINED))
        await eventually(lambda: len(hooks._children) == AT_ONCE, f"{AT_ONCE} commands")
        assert hooks.refused == flood - WAITING
        assert len(hooks._children) == hooks_module.AT_ONCE
        assert hooks.said[0] == "too much happens at once: 1 events without their command"
