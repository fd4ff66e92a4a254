"""``listen`` and who reads it: at once when traffic is slow, and whether the reader is slow, gone or full."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcast_tui.capture.ring import PacketRing
from mcast_tui.cli.printing.fields import FIELDS
from mcast_tui.cli.printing.output import MOST_WAITING, Output, _write_all
from mcast_tui.cli.printing.packet_lines import FieldLines
from mcast_tui.cli.printing.pieces import MOST_PACKETS
from mcast_tui.cli.printing.printer import Printer
from mcast_tui.errors import McastError
from mcast_tui.wire.columns import empty_columns
from tests.cli.commands import COMMAND, main_on, started, wait_lines
from tests.peers import PATIENCE_S, Program, socat_peer, wait_until
from tests.peers import Output as Said

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host
    from mcast_tui.wire.columns import Columns

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = "224.1.0.1%eth0:6666"
LISTEN = [*COMMAND, "listen", CHAT, "--json"]


def test_each_packet_is_there_for_a_pipe_before_the_next_is_sent(host1: Host, host2: Host) -> None:
    with started(host1, "listen", CHAT, "--fields", "text") as listener, socat_peer(host2) as peer:
        for count in range(1, 4):
            peer.say(f"line {count}")
            assert wait_lines(listener, count)[-1] == f"line {count}"


def test_the_command_before_head_ends_quietly_and_well(host1: Host, host2: Host) -> None:
    line = " ".join(LISTEN)
    with Program(host1, ["bash", "-c", f"set -o pipefail; {line} | head -n 1"]) as pipeline:
        pipeline.errors.wait(lambda: b"listening to" in pipeline.errors.data, "listening")
        main_on(host2, "send", CHAT, "only this")
        assert pipeline.ended() == 0
        [record] = wait_lines(pipeline, 1)
        assert json.loads(record)["text"] == "only this\n"
        assert b"Traceback" not in pipeline.errors.data
        assert b"1 packet printed" in pipeline.errors.data


def test_a_reader_that_leaves_ends_it_even_when_nothing_arrives(host1: Host) -> None:
    reader, writer = os.pipe()
    listener = host1.popen(LISTEN, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    errors = Said(listener.stderr, "listen (stderr)")
    errors.wait(lambda: b"listening to" in errors.data, "listening")
    os.close(reader)
    assert listener.wait(timeout=PATIENCE_S) == 0
    listener.stderr.close()
    errors.wait(lambda: errors.ended, "the end")
    assert b"0 packets printed" in errors.data
    assert b"Traceback" not in errors.data


def test_a_full_disk_is_said_so(host1: Host, host2: Host) -> None:
    with Path("/dev/full").open("wb") as disk:
        listener = host1.popen(LISTEN, stdout=disk, stderr=subprocess.PIPE)
    errors = Said(listener.stderr, "listen (stderr)")
    errors.wait(lambda: b"listening to" in errors.data, "listening")
    main_on(host2, "send", CHAT, "no room")
    assert listener.wait(timeout=PATIENCE_S) == 4
    listener.stderr.close()
    errors.wait(lambda: errors.ended, "the end")
    assert b"Cannot write to standard output: No space left on device (ENOSPC)." in errors.data
    assert b"0 packets printed" in errors.data
    assert b"1 left unprinted" in errors.data
    assert b"Traceback" not in errors.data


PACKETS = 8000
"""More than pipe, output and the smallest ring hold together, and less than the receive buffer."""


def received(host: Host) -> int:
    """Return how many datagrams programs on this host have taken, and the kernel has dropped."""
    *_, values = (
        line.split()
        for line in host.run(["cat", "/proc/thread-self/net/snmp"]).stdout.splitlines()
        if line.startswith("Udp:")
    )
    return int(values[1]) + int(values[5])  # InDatagrams, RcvbufErrors


def send_many(host: Host, count: int) -> None:
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, host.address4.packed)
        for number in range(count):
            sock.sendto(b"%d" % number, ("224.1.0.1", 6666))


def test_a_reader_that_stopped_reading_holds_up_neither_capture_nor_signals(host1: Host, host2: Host) -> None:
    fields = ",".join(name for name in FIELDS if name not in {"text", "payload_hex"})
    small = ("--ring-packets", "1024", "--ring-bytes", "131072")
    reader, writer = os.pipe()
    listener = host1.popen([*LISTEN, "--fields", fields, *small], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    errors = Said(listener.stderr, "listen (stderr)")
    errors.wait(lambda: b"listening to" in errors.data, "listening")
    send_many(host2, PACKETS)
    wait_until(lambda: received(host1) >= PACKETS, "all packets in the kernel's count")
    errors.wait(lambda: b"oldest are evicted" in errors.data, "a word on eviction")
    listener.send_signal(signal.SIGTERM)
    assert listener.wait(timeout=PATIENCE_S) == 143
    listener.stderr.close()
    os.close(reader)
    errors.wait(lambda: errors.ended, "the end")
    said = re.search(rb"(\d+) packets? printed, (\d+) dropped .* (\d+) evicted .* (\d+) left", errors.data)
    assert said is not None, errors.data
    printed, dropped, evicted, left = map(int, said.groups())
    assert evicted > 0
    assert left > 1024  # the ring, and what waited for the reader
    assert printed + dropped + evicted + left == PACKETS


class Pipe:
    """A pipe that is read only when the test says so."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def read_all(self) -> bytes:
        """Read up to the end of it: the writing end is closed first."""
        os.close(self.writer)
        with os.fdopen(self.reader, "rb") as pipe:
            return pipe.read()


async def test_who_prints_waits_for_a_slow_reader_and_the_loop_runs_on() -> None:
    taken: list[int] = []
    pipe = Pipe()
    async with Output(pipe.writer, taken.append) as output:
        output.write(b"x" * (MOST_WAITING + 1), 7)  # far more than a pipe holds
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await output.has_room()
        assert taken == []
        await asyncio.to_thread(_drain, pipe.reader, MOST_WAITING + 1)
        await output.finish()
        assert taken == [7]
    assert pipe.read_all() == b""


def _drain(descriptor: int, size: int) -> None:
    while size:
        size -= len(os.read(descriptor, min(size, 1 << 16)))


async def test_a_pipe_that_another_program_made_non_blocking_gets_everything() -> None:
    pipe = Pipe()
    os.set_blocking(pipe.writer, False)
    data = os.urandom(1 << 20)
    async with Output(pipe.writer, lambda _: None) as output:
        output.write(data, 1)
        with os.fdopen(os.dup(pipe.reader), "rb") as reader:
            assert await asyncio.to_thread(reader.read, len(data)) == data
        await output.has_room(0)
    assert pipe.read_all() == b""


async def test_a_reader_that_is_gone_is_known_without_a_write() -> None:
    pipe = Pipe()
    async with Output(pipe.writer, lambda _: None) as output:
        os.close(pipe.reader)
        with pytest.raises(BrokenPipeError):
            await output.gone()
        with pytest.raises(BrokenPipeError):
            await output.has_room()
    os.close(pipe.writer)


async def test_what_the_kernel_says_to_a_write_is_an_error_of_ours() -> None:
    taken: list[int] = []
    full = os.open("/dev/full", os.O_WRONLY)
    async with Output(full, taken.append) as output:
        output.write(b"one", 1)
        with pytest.raises(McastError, match="No space left on device"):
            await output.has_room(0)
    os.close(full)
    assert taken == []


async def test_what_a_reader_took_before_it_left_counts_as_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout, taken = Pipe(), []
    output = Output(stdout.writer, taken.append)

    def write_and_be_slow(descriptor: int, data: bytes) -> OSError | None:
        error = _write_all(descriptor, data)
        os.close(stdout.reader)
        wait_until(lambda: not output._is_watched, "that its leaving is seen")
        return error

    monkeypatch.setattr("mcast_tui.cli.printing.output._write_all", write_and_be_slow)
    async with output:
        output.write(b"all that it wanted\n", 1)
        with pytest.raises(BrokenPipeError):
            await output.gone()
        assert (taken, output.untaken) == ([1], 0)
    os.close(stdout.writer)


def rows(count: int) -> Columns:
    return {name: np.zeros_like(column) for name, column in empty_columns(count).items()}


def node_with(count: int) -> SimpleNamespace:
    """Return what a printer needs of a node: a ring with so many packets, and no interfaces."""
    ring = PacketRing(8 * MOST_PACKETS, 1 << 20)
    ring.append(rows(count), np.zeros((count, 32), "u1"))

    async def wait_beyond(head: int) -> int:
        while ring.head <= head:
            await asyncio.sleep(0.001)
        return ring.head

    return SimpleNamespace(ring=ring, interfaces=(), wait_beyond=wait_beyond, refresh_interfaces=lambda: ())


def printer_of(stdout: Pipe, node: SimpleNamespace, count: int | None) -> Printer:
    """Return a printer of packet numbers into a pipe."""
    stream = SimpleNamespace(encoding="utf-8", fileno=lambda: stdout.writer)
    return Printer(node, FieldLines(("number",)), count, stdout=stream)


async def test_a_backlog_lets_others_run_between_its_pieces() -> None:
    stdout = Pipe()
    printer = printer_of(stdout, node_with(3 * MOST_PACKETS), 3 * MOST_PACKETS)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while not printer.is_done:
            turns += 1
            await asyncio.sleep(0)

    async with printer.output:
        await asyncio.gather(printer.follow(None), others())
        await printer.output.finish()
    assert turns >= 3
    assert printer.printed == 3 * MOST_PACKETS
    assert stdout.read_all().split() == [b"%d" % number for number in range(1, 3 * MOST_PACKETS + 1)]


async def test_the_end_of_the_time_still_prints_what_came_before_it() -> None:
    stdout = Pipe()
    printer = printer_of(stdout, node_with(3 * MOST_PACKETS), None)

    async with printer.output:
        await printer.follow(1e-9)
        await printer.output.finish()

    assert stdout.read_all().count(b"\n") == printer.printed == 3 * MOST_PACKETS


async def test_a_count_is_exact_however_much_has_come() -> None:
    stdout = Pipe()
    printer = printer_of(stdout, node_with(100), 3)

    async with printer.output:
        await printer.follow(None)
        await printer.output.finish()

    assert stdout.read_all() == b"1\n2\n3\n"
