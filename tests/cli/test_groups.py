"""``mcast-tui groups``: what it prints of other people's programs equals what the kernel's own tools say."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.hooks import Told
from mcast_tui.cli.main import main
from mcast_tui.cli.membership_filter import MembershipFilter
from mcast_tui.cli.printing import output
from mcast_tui.cli.printing.listing import Listing
from mcast_tui.cli.watching import Watching
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from tests.cli.commands import COMMAND, main_on, run_on, started, wait_lines
from tests.peers import PATIENCE_S, Output, eventually, requires, socat_peer, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, TextIO

    from mcast_tui.services.lab.lan import Host
    from tests.peers import Program

SSM = ip_address("232.1.1.1")
WATCHING = "watching the kernel's tables, /proc/net/igmp and igmp6, each second"


@contextmanager
def watching(host: Host, *arguments: str) -> Iterator[Program]:
    with started(host, "groups", "--watch", *arguments, until=WATCHING) as program:
        yield program


@requires("socat", "ip")
def test_the_table_is_what_ip_maddr_and_the_tables_say(host1: Host) -> None:
    with (
        socat_peer(host1, "224.1.0.1"),
        socat_peer(host1, "224.1.0.1", 6667),
        socat_peer(host1, "ff15::42", 6668),
    ):
        done = run_on(host1, "groups", "--json", "eth0")
        said = [json.loads(line) for line in done.stdout.splitlines()]
        members = host1.run(["ip", "-json", "maddress", "show", "dev", "eth0"])
    kernel = {
        (each["address"], each.get("users", 1))
        for each in json.loads(members.stdout)[0]["maddr"]
        if "family" in each
    }
    assert {(each["group"], each["users"]) for each in said} == kernel
    assert ("224.1.0.1", 2) in kernel
    macs = {each["link"] for each in json.loads(members.stdout)[0]["maddr"] if "link" in each}
    assert {each["mac"] for each in said} <= macs | {
        "33:33:00:00:00:01"
    }  # interface-local has none of its own
    assert {each["who"] for each in said if each["group"] in {"224.1.0.1", "ff15::42"}} == {"other"}


@requires("socat")
def test_text_is_aligned_and_names_version_and_reason(host1: Host) -> None:
    host1.run(["sysctl", "-w", "net.ipv4.conf.eth0.force_igmp_version=2"])
    with socat_peer(host1, "224.0.0.251"):
        done = run_on(host1, "groups", "224.0.0.0/24", "-i", "eth0")
    reason = "IGMPv2 (net.ipv4.conf.eth0.force_igmp_version is 2)"
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"interface  group        users  who     filter      {'version':<51}  MAC                name",
        f"eth0       224.0.0.251      1  other   EXCLUDE {{}}  {reason}  01:00:5e:00:00:fb  mDNS",
        f"eth0       224.0.0.1        1  kernel  EXCLUDE {{}}  {reason}  01:00:5e:00:00:01  all hosts",
    ]


def test_one_source_and_the_aliases_of_an_address_are_shown(host1: Host) -> None:
    with host1.entered():
        here = resolve_interface("eth0", list_interfaces())
        sock = open_group(SSM, 6666, receive_buffer=1, interface=here)
    with sock, Membership(sock, SSM, here, ip_address("192.168.10.2")):
        as_json = run_on(host1, "groups", "--json", "--aliases", "232.1.1.1")
        as_text = run_on(host1, "groups", "--aliases", "232.1.1.1")
    record = json.loads(as_json.stdout)
    aliases = record.pop("aliases")
    assert record == {
        "schema": 1,
        "interface": "eth0",
        "ifindex": here.index,
        "group": "232.1.1.1",
        "users": 1,
        "ours": 0,
        "who": "other",
        "filter": "INCLUDE",
        "sources": ["192.168.10.2"],
        "version": "IGMPv3",
        "version_reason": "the default",
        "mac": "01:00:5e:01:01:01",
        "name": None,
        "origin": "/proc/net/igmp",
    }
    assert (len(aliases), aliases[0], aliases[-1]) == (32, "224.1.1.1", "239.129.1.1")
    assert "INCLUDE {192.168.10.2}" in as_text.stdout
    assert all(alias in as_text.stdout for alias in aliases)


def test_no_member_is_status_1_and_a_wrong_word_status_2(
    host1: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    done = main_on(host1, "groups", "239.9.9.9")
    assert (done.returncode, done.stdout) == (1, "")
    with host1.entered():
        for words, said in (
            (["10.0.0.0/8"], "these are no groups"),
            (["239.0.0.1/8"], "host bits set"),
            (["eth7"], "no such interface"),
            (["--on-join", "true"], "Give --watch as well"),
        ):
            assert main(["groups", *words]) == 2
            assert said in capsys.readouterr().err


@requires("socat")
def test_a_watch_prints_the_table_then_each_change_and_nothing_of_other_groups(host1: Host) -> None:
    with watching(host1, "eth0", "224.0.0.0/4") as watch:
        wait_lines(watch, 2)  # the headings, and 224.0.0.1
        with socat_peer(host1, "ff15::42", 6668), socat_peer(host1, "224.1.0.1"):
            joined = wait_lines(watch, 3)[2]
        left = wait_lines(watch, 4)[3]
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended() == 130
    assert joined[13:].startswith("● join 224.1.0.1 eth0 other: users 0 -> 1, EXCLUDE {} [")
    assert left[13:].startswith("● leave 224.1.0.1 eth0 other: users 1 -> 0 [")


@requires("socat")
def test_changes_are_objects_for_programs_and_run_commands(host1: Host, tmp_path) -> None:
    log, ran = tmp_path / "events", tmp_path / "ran"
    hook = f"sh -c 'echo $MCAST_EVENT $MCAST_GROUP $MCAST_USERS >> {ran}'"
    options = ("--json", "--events", str(log), "--on-join", hook, "239.1.1.1")
    with watching(host1, *options) as watch:
        with socat_peer(host1, "239.1.1.1"):
            [joined] = wait_lines(watch, 1)
            with socat_peer(host1, "239.1.1.1", 6667):
                wait_lines(watch, 2)
            wait_lines(watch, 3)
        printed = list(map(json.loads, wait_lines(watch, 4)))
        wait_until(lambda: ran.exists() and ran.read_text().startswith("join 239.1.1.1 1\n"), "the command")
        watch.process.send_signal(signal.SIGTERM)
        assert watch.ended() == 143
    assert [(each["event"], each["users"], each["schema"]) for each in printed] == [
        ("join", 1, 1), ("join", 2, 1), ("leave", 1, 1), ("leave", None, 1),
    ]  # fmt: skip
    assert json.loads(joined).items() >= {
        "seen": True, "who": "other", "group": "239.1.1.1", "interface": "eth0", "filter": "EXCLUDE",
    }.items()  # fmt: skip
    assert list(map(json.loads, log.read_text().splitlines())) == printed


def test_a_reader_that_goes_away_ends_a_watch_quietly(host1: Host) -> None:
    readable, writable = os.pipe()
    command = [*COMMAND, "groups", "--watch"]
    watch = host1.popen(command, stdout=writable, stderr=subprocess.PIPE, bufsize=0)
    os.close(writable)
    errors = Output(watch.stderr, "groups (stderr)")
    errors.wait(lambda: WATCHING.encode() in errors.data, WATCHING)
    os.close(readable)
    assert watch.wait(PATIENCE_S) == 0
    errors.wait(lambda: errors.ended, "its end")
    assert errors.data.count(b"\n") == 1


def test_an_interface_name_that_is_no_text_is_shown_safely(host1: Host) -> None:
    name = b"\x1b]0;\xff"
    host1.run(["ip", "link", "add", name, "type", "veth", "peer", "name", "other"])
    host1.run(["ip", "link", "set", name, "up"])
    with host1.entered():
        Path("/proc/sys/net/ipv4/conf", os.fsdecode(name), "force_igmp_version").write_text("2")
    done = run_on(host1, "groups")
    assert "␛]0;·" in done.stdout
    assert "IGMPv2 (net.ipv4.conf.␛]0;·.force_igmp_version is 2)" in done.stdout
    assert "\x1b" not in done.stdout
    records = map(json.loads, run_on(host1, "groups", "--json").stdout.splitlines())
    assert "\x1b]0;\udcff" in {record["interface"] for record in records}


@contextmanager
def clogged_output() -> Iterator[tuple[BinaryIO, TextIO]]:
    """Have a pipe that is full for standard output; yield both its ends, the one to read from first."""
    readable, writable = os.pipe()
    os.write(writable, b"x" * fcntl.fcntl(writable, fcntl.F_GETPIPE_SZ))
    with (
        os.fdopen(readable, "rb", buffering=0) as reader,
        os.fdopen(writable, "w") as writer,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", writer)
        yield reader, writer


@contextmanager
def members(count: int) -> Iterator[None]:
    """Be a member of so many groups of 239.5.5.0/24 on eth0."""
    with ExitStack() as joined:
        here = resolve_interface("eth0", list_interfaces())
        for number in range(count):
            group = ip_address(f"239.5.5.{number}")
            sock = joined.enter_context(open_group(group, 6666, receive_buffer=1, interface=here))
            joined.enter_context(Membership(sock, group, here))
        yield


def everything() -> Listing:
    return Listing(MembershipFilter(), as_json=False, with_aliases=False)


async def test_what_a_reader_is_too_slow_for_is_left_out_and_counted(
    host1: Host, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "events"
    with host1.entered(), clogged_output() as (reader, stdout):
        out = output.Output(stdout.fileno(), most_waiting=3000)
        watching = asyncio.create_task(Watching(everything(), Told(log=str(log)), out).run())
        await eventually(lambda: WATCHING in capsys.readouterr().err, "the table")
        with members(60):
            await eventually(lambda: log.exists() and log.read_text().count('"239.5.5.') == 60, "all joins")
            printed = Output(reader, "groups --watch")
            await eventually(lambda: not out.untaken, "the end of what waits")
            watching.cancel()
            await asyncio.wait([watching])
        stdout.close()
        await eventually(lambda: printed.ended, "its end")
    shown = printed.data.count(b" join 239.5.5.")
    assert f"{60 - shown} entries not printed" in capsys.readouterr().err
    assert 0 < shown < 60


async def test_what_a_reader_never_took_is_counted_at_the_end(
    host1: Host, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "GRACE_S", 0.05)
    with host1.entered(), clogged_output() as (_, stdout):
        out = output.Output(stdout.fileno())
        watching = asyncio.create_task(Watching(everything(), Told(), out).run())
        await eventually(lambda: WATCHING in capsys.readouterr().err, "the table")
        rows = out.untaken
        with members(20):
            await eventually(lambda: out.untaken == rows + 20, "every change")
            watching.cancel()
            await asyncio.wait([watching])
    assert f"{rows + 20} entries not printed" in capsys.readouterr().err


def test_who_chose_some_memberships_is_told_also_what_is_of_none() -> None:
    wanted = MembershipFilter((ip_network("239.1.0.0/16"),), frozenset({"eth0"}))
    assert wanted(None, None)  # that the wire is not heard any more
    assert wanted("eth0", ip_address("239.1.2.3"))
    assert not wanted("eth1", ip_address("239.1.2.3"))
    assert not wanted("eth0", ip_address("239.2.2.3"))
    assert not wanted("eth0", None)
