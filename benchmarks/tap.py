"""The tap: CPU per packet and packets lost, beside tcpdump, one after the other, in turns.

tcpdump writes to ``/dev/null``, which keeps nothing, and to a file in memory, which keeps as our ring does.
Each has traffic first that does not count, so that memory has been touched and code is warm.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine, programs, receive
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median
from benchmarks.receivers import GROUPS, PORT, captured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.receive import Cell
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

BUDGET = 1.5
OURS, NULL, FILE = "mcast-tui tap", "tcpdump -w /dev/null", "tcpdump -w, file in memory"
SETTLE_S = 1.2
"""libpcap lets the kernel collect packets for up to a second before it wakes up, we for a tenth."""
LOOKS = 3
"""Seconds of sending at a fixed rate, for one: tcpdump looks once a second, so one look is less of all."""


@dataclass(frozen=True)
class Bursts(receive.Cell):
    """Traffic at a fixed rate that turns into traffic at full speed of a sudden, again and again."""

    bursts: int = 6

    def __str__(self) -> str:
        return f"{super().__str__()}, bursts at full speed"


CELLS = (receive.Cell(100, 0), receive.Cell(1400, 0), receive.Cell(100, 50_000), Bursts(100, 50_000))


@dataclass(frozen=True)
class Run:
    """One program, one kind of traffic, once."""

    program: str
    cell: Cell
    sent: int
    """What did not count included, as in `received`."""
    received: int
    cpu_ns: float
    """Per packet sent while it counted."""


def measure(lab: Lab, effort: Effort) -> Outcome:
    outcome = Outcome("tap")
    if shutil.which("tcpdump") is None:
        outcome.notes.append("tcpdump is not installed: nothing to compare with.")
        return outcome
    for cell in CELLS[: effort.cells]:
        runs = []
        for turn in range(effort.pairs):
            order = (OURS, NULL, FILE) if turn % 2 else (FILE, NULL, OURS)
            runs += [run_once(lab, program, cell, effort) for program in order]
        outcome.tables.append(_table(cell, runs))
        outcome.verdicts += _verdicts(cell, runs)
        outcome.data[str(cell)] = [asdict(run) for run in runs]
    return outcome


def run_once(lab: Lab, program: str, cell: Cell, effort: Effort) -> Run:
    """Start the program, send, and see what it took."""
    listener, talker = lab.host(1), lab.host(2)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        process = _start(listener, program, Path(folder) / "capture.pcap")
        receive.wait_until_listening(listener, process, GROUPS[cell.family])
        sent, _ = receive.send(talker, replace(cell, rate=0), effort)  # as many as our ring has room for
        _settle(process)
        cpu_s = machine.cpu_s(process.pid)
        counted = _send(talker, cell, effort)
        _settle(process)
        cpu_s = machine.cpu_s(process.pid) - cpu_s
        received = _end(process, program)
    return Run(program, cell, sent + counted, received, cpu_s / counted * 1e9)


def _send(host: Host, cell: Cell, effort: Effort) -> int:
    """Send the cell's traffic; return how many packets went out."""
    if not isinstance(cell, Bursts):
        return receive.send(host, cell, replace(effort, seconds=LOOKS * effort.seconds))[0]
    part = replace(effort, seconds=0.6 * effort.seconds, packets=effort.packets * 3 // 10)
    return sum(
        receive.send(host, replace(cell, rate=rate), part)[0]
        for _ in range(cell.bursts)
        for rate in (cell.rate, 0)
    )


def _start(host: Host, program: str, file: Path) -> subprocess.Popen[bytes]:
    if program == OURS:
        command = programs.python("tap_child.py", host.interface, str(PORT))
    else:
        target = "/dev/null" if program == NULL else str(file)
        command = ["tcpdump", "-Z", "root", "-n", "-i", host.interface, "-w", target, f"udp port {PORT}"]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # as the command line has it
    pipe = subprocess.PIPE
    return host.popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)


def _settle(process: subprocess.Popen[bytes]) -> None:
    time.sleep(SETTLE_S)
    machine.wait_until_quiet(process.pid)


def _end(process: subprocess.Popen[bytes], program: str) -> int:
    """End the program; return how many packets it says it has captured."""
    if program != OURS:
        process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=machine.PATIENCE_S)
    if program != OURS:
        return captured(complained)
    told: int = json.loads(said)["packets"]
    return told


def _of(runs: list[Run], program: str) -> list[Run]:
    return [run for run in runs if run.program == program]


def ours_to(program: str, runs: list[Run]) -> float:
    """Return what ours costs in terms of the other: the median over neighbouring runs."""
    pairs = zip(_of(runs, OURS), _of(runs, program), strict=True)
    return median([mine.cpu_ns / other.cpu_ns for mine, other in pairs])


def _table(cell: Cell, runs: list[Run]) -> Table:
    rows = []
    for program in (OURS, NULL, FILE):
        own = _of(runs, program)
        costs = [run.cpu_ns for run in own]
        lost = max(1 - run.received / run.sent for run in own)
        rows.append(
            (
                program,
                f"{median(costs):,.0f}",
                f"{min(costs):,.0f} - {max(costs):,.0f}",
                f"{ours_to(program, runs):.2f}",
                "0" if lost == 0 else f"{lost:.2%}",
                str(len(own)),
            )
        )
    header = ("program", "CPU ns/packet", "range", "ours / this", "most lost", "runs")
    return Table(f"Tap: {cell}", header, tuple(rows))


def _verdicts(cell: Cell, runs: list[Run]) -> Iterator[Verdict]:
    what = f"tap, {cell}"
    yield Verdict(f"{what}: CPU per packet, ours / {FILE}", ours_to(FILE, runs), "x", BUDGET)
    pairs = zip(_of(runs, OURS), _of(runs, NULL), strict=True)
    lost = max(
        (mine.sent - mine.received for mine, other in pairs if other.received == other.sent), default=None
    )
    if lost is not None:
        yield Verdict(f"{what}: most lost beside a lossless tcpdump", lost, "packets", 0)
