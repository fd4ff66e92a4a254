"""A command for each datagram, on real sockets of a lab: what it does, however badly, and what comes back."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services.process.command import Command, find_command, shell_command
from mcast_tui.services.serve.doors import Doors
from mcast_tui.services.serve.replies import Mode
from mcast_tui.services.serve.server import Server, Terms
from mcast_tui.wire.address import parse_endpoint
from tests.peers import PATIENCE_S, eventually
from tests.services.nodes import node_on, packets, send_from

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mcast_tui.services.lab.lan import Host, Lab

GROUP = "224.1.0.1%eth0:6666"
SCRIPT = Command("/bin/sh", ("sh",))
"""Runs what the request says: each test says in its request how the command behaves."""
CAT, TRUE, UPPER = find_command(["cat"]), find_command(["true"]), find_command(["tr", "a-z", "A-Z"])


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """Two hosts are enough here: one serves, one asks. The first request is sent as soon as they can talk."""
    built = make_lab(2)
    talks(built.host(2), built.host(1))
    return built


def talks(talker: Host, listener: Host) -> None:
    """Wait until a datagram gets through: a link that was just made loses what is sent before it carries."""
    with listener.entered():
        inlet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with talker.entered():
        outlet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inlet, outlet:
        inlet.bind(("", 7777))
        inlet.settimeout(0.02)
        for _ in range(int(PATIENCE_S / 0.02)):
            outlet.sendto(b"probe", (str(listener.address4), 7777))
            with suppress(TimeoutError):
                inlet.recv(10)
                return
        pytest.fail(f"{talker.name} does not reach {listener.name}")


class Client:
    """A socket on another host: asks, and takes the answers with where they came from."""

    def __init__(self, host: Host, family: int = socket.AF_INET, port: int = 0) -> None:
        with host.entered():
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port:
            self.sock.bind(("", port))

    def ask(self, payload: bytes, *where: str | int) -> None:
        self.sock.sendto(payload, where or ("224.1.0.1", 6666))

    async def answer(self) -> bytes:
        return (await self.answer_and_sender())[0]

    async def answer_and_sender(self) -> tuple[bytes, tuple[str, int]]:
        async with asyncio.timeout(PATIENCE_S):
            payload, sender = await asyncio.get_running_loop().sock_recvfrom(self.sock, 1 << 16)
        return payload, sender[:2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


class Serving(Server):
    """A server under test: what it said is in `said`."""

    said: list[str]

    async def until(self, counted: str, number: int) -> None:
        """Wait until so many are counted."""
        await eventually(lambda: getattr(self.tally, counted) >= number, f"{number} {counted}")


@asynccontextmanager
async def serving(
    host: Host, *endpoints: str, command: Command = SCRIPT, settings: dict | None = None, **terms: object
) -> AsyncIterator[Serving]:
    """Serve on a host for the length of the block."""
    async with node_on(host, **settings or {}) as node:
        doors, said = Doors(node), []
        for endpoint in endpoints or (GROUP,):
            await doors.open(parse_endpoint(endpoint))
        server = Serving(node, doors, Terms(command, **terms), said.append, tell_each=True)
        server.said = said
        running = asyncio.create_task(server.run())
        try:
            yield server
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def nap(number: int) -> str:
    """Return how long to sleep, as no other process on this machine sleeps: to be found by it."""
    return f"3{number}.{os.getpid()}"


async def gone(word: str) -> None:
    """Wait until no process has `word` in its command line."""
    await eventually(lambda: not _runs(word), f"the end of {word}")


def _runs(word: str) -> bool:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if word.encode() in entry.read_bytes().split(b"\0"):
                return True
    return False


# -- the payload in, the answer out


async def test_the_payload_is_the_standard_input_and_what_is_printed_the_answer(lab: Lab) -> None:
    async with serving(lab.host(1), command=UPPER):
        with Client(lab.host(2)) as client:
            client.ask(b"hello; $(reboot) `id`\n")
            assert await client.answer() == b"HELLO; $(REBOOT) `ID`\n"


async def test_the_largest_payload_arrives_whole(lab: Lab) -> None:
    payload = bytes(range(256)) * 255  # 65,280 bytes
    async with serving(lab.host(1), command=CAT):
        with Client(lab.host(2)) as client:
            client.ask(payload)
            assert await client.answer() == payload


async def test_a_command_that_does_not_read_its_input_loses_no_answer(lab: Lab) -> None:
    async with serving(lab.host(1), command=shell_command("exec <&-; echo here")) as server:
        with Client(lab.host(2)) as client:
            for _ in range(40):
                client.ask(b"x" * 60_000)
                assert await client.answer() == b"here\n"
        await server.until("served", 40)
    assert server.tally.failed == 0


async def test_what_prints_nothing_is_not_answered(lab: Lab) -> None:
    async with serving(lab.host(1)) as server:
        with Client(lab.host(2)) as client:
            client.ask(b"true")
            client.ask(b"echo last")
            assert await client.answer() == b"last\n"
        await server.until("served", 2)
    assert server.tally.replies == 1


async def test_the_answer_is_the_whole_or_a_line_or_a_write(lab: Lab) -> None:
    cases = [
        (Mode.WHOLE, b"echo one; echo two", [b"one\ntwo\n"]),
        (Mode.LINE, b"printf 'one\ntwo\nthree'", [b"one\n", b"two\n", b"three"]),
        (Mode.CHUNK, b"printf one; printf two", [b"one", b"two"]),
        (Mode.CHUNK, b"dd if=/dev/zero bs=10000 count=1 2>&-; printf end", [bytes(10_000), b"end"]),
    ]
    for mode, script, answers in cases:
        async with serving(lab.host(1), mode=mode):
            with Client(lab.host(2)) as client:
                client.ask(script)
                assert [await client.answer() for _ in answers] == answers


async def test_lines_are_sent_as_they_come(lab: Lab, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "go")
    async with serving(lab.host(1), mode=Mode.LINE):
        with Client(lab.host(2)) as client:
            client.ask(f"echo first; read x <{tmp_path}/go; echo $x".encode())
            assert await client.answer() == b"first\n"
            await asyncio.to_thread((tmp_path / "go").write_text, "second\n")
            assert await client.answer() == b"second\n"


# -- where the answer comes from


async def test_the_answer_comes_from_the_address_and_port_that_was_asked(lab: Lab) -> None:
    host = lab.host(1)
    host.run(["ip", "address", "add", "192.168.10.77/24", "dev", "eth0"])
    async with serving(host, GROUP, "broadcast:6666"):
        with Client(lab.host(2)) as client:
            senders = []
            for where in ("224.1.0.1", "192.168.10.1", "192.168.10.77", "192.168.10.255", "255.255.255.255"):
                client.ask(b"echo $MCAST_DESTINATION", where, 6666)
                answer, sender = await client.answer_and_sender()
                assert answer == where.encode() + b"\n"
                senders.append(sender)
    first, second = ("192.168.10.1", 6666), ("192.168.10.77", 6666)
    assert senders == [first, first, second, first, first]


async def test_an_ipv6_group_is_answered_from_the_interfaces_address(lab: Lab) -> None:
    one, two = lab.host(1), lab.host(2)
    async with serving(one, "[ff02::4d43%eth0]:6666"):
        with Client(two, socket.AF_INET6) as client:
            for where in ("ff02::4d43", str(one.link_local), str(one.address6)):
                client.ask(b"echo $MCAST_DESTINATION", where, 6666, 0, two.ifindex)
                answer, (sender, port) = await client.answer_and_sender()
                assert answer.decode() == f"{where}\n"
                own = one.address6 if where == str(one.address6) else one.link_local
                assert (sender.partition("%")[0], port) == (str(own), 6666)


async def test_an_address_of_ours_serves_what_is_sent_to_it_and_nothing_else(lab: Lab) -> None:
    async with serving(lab.host(1), "192.168.10.1:6666") as server:
        with Client(lab.host(2)) as client:
            client.ask(b"echo to all", "192.168.10.255", 6666)
            client.ask(b"echo to you", "192.168.10.1", 6666)
            assert await client.answer() == b"to you\n"
        await server.until("served", 1)
    assert (server.tally.served, server.tally.unfinished) == (1, 0)


async def test_an_address_that_is_not_ours_is_refused(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        with pytest.raises(UsageError, match="not an address of this host"):
            await Doors(node).open(parse_endpoint("192.168.10.2:6666"))


async def test_our_own_answer_is_no_request(lab: Lab) -> None:
    with Client(lab.host(1), port=6666) as neighbour:  # bound before us: unicast to the port comes to us
        async with serving(lab.host(1), "broadcast:6666") as server:
            neighbour.ask(b"echo again", "192.168.10.255", 6666)
            await server.until("replies", 1)
            with Client(lab.host(2)) as client:
                client.ask(b"echo after", "192.168.10.255", 6666)
                assert await client.answer() == b"after\n"  # whatever came before was looked at by then
            await server.until("served", 2)
    assert (server.tally.served, server.tally.unfinished) == (2, 0)


async def test_a_source_out_of_range_has_nothing_run(lab: Lab) -> None:
    only = {"ranges": (ip_network("192.168.10.2/32"),)}
    async with serving(lab.host(1), settings=only) as server:
        with Client(lab.host(1)) as stranger, Client(lab.host(2)) as friend:
            stranger.ask(b"echo no")
            friend.ask(b"echo yes")
            assert await friend.answer() == b"yes\n"
        await server.until("served", 1)
    assert (server.tally.served, server.tally.unfinished) == (1, 0)


# -- commands that misbehave


async def test_a_command_that_hangs_is_killed_with_its_children(lab: Lab) -> None:
    async with serving(lab.host(1), timeout_s=0.3) as server:
        with Client(lab.host(2)) as client:
            naps = one, two, three = nap(1), nap(2), nap(3)
            script = f"trap '' TERM; (trap '' TERM; sleep {one})& (setsid sleep {two})& sleep {three}"
            client.ask(script.encode())
            await server.until("timed_out", 1)
            client.ask(b"echo alive")
            assert await client.answer() == b"alive\n"
        for each in naps:
            await gone(each)
    assert any("killed after 0.3 s" in line for line in server.said)


async def test_an_answer_no_datagram_can_carry_is_counted_and_not_sent(lab: Lab) -> None:
    async with serving(lab.host(1)) as server:
        with Client(lab.host(2)) as client:
            client.ask(b"head -c 1000000 /dev/zero")
            client.ask(b"head -c 65507 /dev/zero")
            assert await client.answer() == bytes(65_507)
        await server.until("served", 2)
    assert (server.tally.too_long, server.tally.replies) == (1, 1)
    assert any("longer than a datagram" in line for line in server.said)


async def test_a_binary_answer_is_sent_byte_for_byte(lab: Lab) -> None:
    async with serving(lab.host(1)):
        with Client(lab.host(2)) as client:
            client.ask(rb"printf '\033[31m\377\000\r\n'")
            assert await client.answer() == b"\x1b[31m\xff\0\r\n"


async def test_a_daemon_that_keeps_the_pipe_does_not_keep_the_answer(lab: Lab) -> None:
    async with serving(lab.host(1)) as server:
        with Client(lab.host(2)) as client:
            client.ask(f"sleep {nap(4)} & echo done".encode())
            assert await client.answer() == b"done\n"
        await server.until("served", 1)
        await gone(nap(4))


async def test_a_command_that_dies_by_a_signal_is_told(lab: Lab) -> None:
    async with serving(lab.host(1)) as server:
        with Client(lab.host(2)) as client:
            client.ask(b"echo before; kill -SEGV $$")
            assert await client.answer() == b"before\n"
        await server.until("failed", 1)
    assert any("ended by SIGSEGV" in line for line in server.said)


async def test_a_command_that_vanished_fails_its_request_and_says_so(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "answer"
    script.write_text("#!/bin/sh\necho here\n")
    script.chmod(0o755)
    async with serving(lab.host(1), command=Command(str(script), ("answer",))) as server:
        with Client(lab.host(2)) as client:
            client.ask(b"1")
            assert await client.answer() == b"here\n"
            script.unlink()
            client.ask(b"2")
            await server.until("failed", 1)
    assert any("ENOENT" in line for line in server.said)


async def test_complaints_are_told_line_by_line_and_rationed(lab: Lab) -> None:
    async with serving(lab.host(1)) as server:
        with Client(lab.host(2)) as client:
            client.ask(rb"printf '\033[31mred\n' >&2; seq 100000 >&2; echo done")
            assert await client.answer() == b"done\n"
    told = [line for line in server.said if line.startswith("command: ")]
    assert told[0] == "command: \x1b[31mred"  # made safe where it is printed
    assert len(told) <= 20 * PATIENCE_S
    assert any("more lines like these not shown" in line for line in server.said)


# -- many


async def test_what_the_queue_has_room_for_is_served_and_the_rest_is_refused(
    lab: Lab, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")
    command = shell_command(f"echo begun; read x <{tmp_path}/go; echo end")
    async with serving(lab.host(1), command=command, queue=5, max_children=1, mode=Mode.LINE) as server:
        with Client(lab.host(2)) as client:
            client.ask(b"0")
            assert await client.answer() == b"begun\n"
            for _ in range(19):
                client.ask(b"x")
            await server.until("refused", 14)
            for served in range(1, 7):
                await asyncio.to_thread((tmp_path / "go").write_text, "go\n")
                await server.until("served", served)
            client.ask(b"after")  # all before it were looked at by then
            await asyncio.to_thread((tmp_path / "go").write_text, "go\n")
            await server.until("served", 7)
    assert (server.tally.served, server.tally.refused) == (7, 14)
    assert any("queue is full" in line for line in server.said)


async def test_requests_at_once_are_all_answered(lab: Lab) -> None:
    async with serving(lab.host(1), command=CAT) as server:
        with Client(lab.host(2)) as client:
            asked = {b"%d" % number for number in range(150)}
            for payload in asked:
                client.ask(payload)
            assert {await client.answer() for _ in asked} == asked
        await server.until("served", 150)
    assert server.tally.refused == 0


async def test_what_the_ring_gave_up_before_we_looked_is_counted(lab: Lab) -> None:
    async with node_on(lab.host(1), ring_packets=8) as node:
        doors = Doors(node)
        await doors.open(parse_endpoint(GROUP))
        server = Server(node, doors, Terms(TRUE, count=8), print)
        send_from(lab.host(2), *[b"x"] * 20)
        await packets(node, 20)
        await server.run()
    assert (server.tally.served, server.tally.evicted) == (8, 12)


async def test_when_it_ends_no_command_runs_on_and_the_unfinished_are_counted(lab: Lab) -> None:
    async with serving(lab.host(1), max_children=2) as server:
        with Client(lab.host(2)) as client:
            for _ in range(3):
                client.ask(f"sleep {nap(5)} & sleep {nap(6)}".encode())
            await eventually(lambda: _runs(nap(6)), "the command")
            await eventually(lambda: server._taken >= 3, "the third datagram")
    assert not _runs(nap(5))
    assert not _runs(nap(6))
    assert server.tally.unfinished == 3
