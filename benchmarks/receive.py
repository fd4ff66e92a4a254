"""The receive path: CPU per packet and packets lost, one receiver after the other, in turns.

A C sender on one host of the lab, the receiver on another, a bridge between them. CPU is that of
the receiver's process alone, user and system, from when it waits for the first packet to when it
has nothing left to do.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks import machine, programs
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median
from benchmarks.receivers import C_LOOP, GROUPS, OTHERS, OURS, PAIRED, PORT, Receiver, captured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

BUDGET = 1.15


@dataclass(frozen=True)
class Cell:
    """One kind of traffic."""

    size: int
    """Bytes of payload."""
    rate: int
    """Packets a second; 0 is as fast as the sender can."""
    family: int = 4

    def __str__(self) -> str:
        pace = f"{self.rate // 1000} k/s" if self.rate else "full speed"
        return f"IPv{self.family}, {self.size} bytes, {pace}"


CELLS = (Cell(100, 0), Cell(1400, 0), Cell(100, 50_000), Cell(1400, 50_000), Cell(100, 0, 6))


@dataclass(frozen=True)
class Run:
    """One receiver, one kind of traffic, once."""

    receiver: str
    cell: Cell
    sent: int
    sent_per_s: float
    received: int
    dropped: int
    """By the kernel, for want of room in a UDP receive buffer."""
    cpu_ns: float
    """Per packet received."""

    @property
    def lost(self) -> float:
        """The part of what was sent that was not received."""
        return 1 - self.received / self.sent


def measure(lab: Lab, effort: Effort) -> Outcome:
    outcome = Outcome("receive")
    receivers = [each for each in (*PAIRED, *OTHERS) if each.is_installed]
    missing = [each.name for each in OTHERS if not each.is_installed]
    outcome.notes += [f"{name} is not installed: not measured." for name in missing]
    for cell in CELLS[: effort.cells]:
        runs = [run_once(lab, receiver, cell, effort) for receiver in in_turns(receivers, cell, effort)]
        outcome.tables.append(_table(cell, runs))
        outcome.verdicts += _verdicts(cell, runs)
        outcome.data[str(cell)] = [asdict(run) for run in runs]
    return outcome


def in_turns(receivers: list[Receiver], cell: Cell, effort: Effort) -> Iterator[Receiver]:
    """Yield who runs next: ours and the C loops side by side, now the one first, now the other."""
    able = [each for each in receivers if cell.family in each.families]
    paired = [each for each in able if each in PAIRED]
    for turn in range(max(effort.pairs, effort.others)):
        if turn < effort.pairs:
            yield from paired if turn % 2 else reversed(paired)
        if turn < effort.others:
            yield from (each for each in able if each not in PAIRED)


def run_once(lab: Lab, receiver: Receiver, cell: Cell, effort: Effort) -> Run:
    """Start the receiver, send, and see what it took."""
    listener, talker = lab.host(1), lab.host(2)
    process = listener.popen(
        receiver.command(cell.family, listener.interface),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if receiver.reports else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    wait_until_listening(listener, process, GROUPS[cell.family])
    counters, cpu_s = machine.udp_counters(listener.pid, cell.family), machine.cpu_s(process.pid)
    sent, seconds = send(talker, cell, effort)
    time.sleep(receiver.settle_s)
    machine.wait_until_quiet(process.pid)
    cpu_s = machine.cpu_s(process.pid) - cpu_s
    counters = machine.udp_counters(listener.pid, cell.family).since(counters)
    received = _end(process, receiver, counters.read)
    if not received:
        raise RuntimeError(f"{receiver.name} received nothing of {cell}")
    cpu_ns = cpu_s / received * 1e9
    return Run(receiver.name, cell, sent, sent / seconds, received, counters.dropped, cpu_ns)


def wait_until_listening(host: Host, process: subprocess.Popen[bytes], group: str) -> None:
    deadline = time.monotonic() + machine.PATIENCE_S
    while not machine.is_listening(host.pid, group):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{process.args!r} does not listen: {process.communicate()[1]!r}")
        time.sleep(0.01)
    machine.wait_until_quiet(process.pid)


def send(host: Host, cell: Cell, effort: Effort) -> tuple[int, float]:
    """Send the cell's traffic; return how many packets went out, in how many seconds."""
    seconds = effort.seconds if cell.rate else 20
    count = int(cell.rate * seconds) if cell.rate else effort.packets
    where = [GROUPS[cell.family], str(PORT), host.interface]
    much = [str(cell.size), str(cell.rate), str(seconds + 1), str(count)]
    said = host.run([programs.build("sender"), *where, *much], timeout_s=60).stdout
    told = json.loads(said)
    return told["sent"], told["seconds"]


def _end(process: subprocess.Popen[bytes], receiver: Receiver, read: int) -> int:
    """End the receiver; return what it received: by its own account, else by the kernel's."""
    if receiver.reports != "json":
        process.send_signal(signal.SIGINT if receiver.reports == "tcpdump" else signal.SIGKILL)
    said, complained = process.communicate(timeout=machine.PATIENCE_S)
    if receiver.reports == "tcpdump":
        return captured(complained)
    if receiver.reports != "json":
        return read
    told: int = json.loads(said)["packets"]
    if told != read:
        raise RuntimeError(f"{receiver.name} counts {told} packets, the kernel counts {read} taken")
    return told


def _table(cell: Cell, runs: list[Run]) -> Table:
    rows = []
    for receiver in (*PAIRED, *OTHERS):
        own = _of(runs, receiver.name)
        if own:
            costs = [run.cpu_ns for run in own]
            rows.append(
                (
                    receiver.name,
                    f"{median(costs):,.0f}",
                    f"{min(costs):,.0f} - {max(costs):,.0f}",
                    f"{ours_to(receiver.name, runs):.2f}",
                    _percent(median([run.lost for run in own])),
                    f"{median([run.sent_per_s for run in own]) / 1000:,.0f}",
                    str(len(own)),
                )
            )
    header = ("receiver", "CPU ns/packet", "range", "ours / this", "lost", "sent k/s", "runs")
    return Table(f"Receive path: {cell}", header, tuple(rows))


def _percent(part: float) -> str:
    return "0" if part == 0 else f"{part:.2%}"


def ours_to(name: str, runs: list[Run]) -> float:
    """Return what ours costs in terms of the other: the median over neighbours where they ran in pairs."""
    ours, theirs = _of(runs, OURS), _of(runs, name)
    if len(ours) == len(theirs):
        return median([mine.cpu_ns / other.cpu_ns for mine, other in zip(ours, theirs, strict=True)])
    return median([run.cpu_ns for run in ours]) / median([run.cpu_ns for run in theirs])


def _verdicts(cell: Cell, runs: list[Run]) -> Iterator[Verdict]:
    what = f"receive path, {cell}"
    yield Verdict(f"{what}: CPU per packet, ours / {C_LOOP}", ours_to(C_LOOP, runs), "x", BUDGET)
    pairs = zip(_of(runs, OURS), _of(runs, C_LOOP), strict=True)
    lost = max((mine.sent - mine.received for mine, other in pairs if not other.lost), default=None)
    if lost is not None:
        yield Verdict(f"{what}: most lost beside a lossless {C_LOOP}", lost, "packets", 0)


def _of(runs: list[Run], name: str) -> list[Run]:
    return [run for run in runs if run.receiver == name]
