"""``listen`` to a file, beside socat and the C loop: CPU per packet, and packets lost on the whole way.

Each receiver has one core, the sender the other. Lost is what was sent and does not stand in the
file: what the kernel dropped, what the ring evicted, what was never written. The C loop writes
nothing; it says what receiving alone costs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING

from benchmarks import machine, programs
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median
from benchmarks.receive import Cell
from benchmarks.receivers import C_LOOP, GROUPS, PATIENCE_S, PORT, RECEIVE_BUFFER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.lab.lan import Lab

JSON, RAW, SOCAT = "listen --json", "listen --raw-payload", "socat"
STEADY, FULL_SPEED = Cell(100, 50_000), Cell(100, 0)


@dataclass(frozen=True)
class Writer:
    """A program that writes what it receives."""

    name: str
    command: Callable[[str], list[str]]
    """Interface -> what to run."""
    counted: Callable[[IO[bytes], Cell], int]
    """What was written -> how many packets."""


@dataclass(frozen=True)
class Run:
    """One receiver, one kind of traffic, once."""

    receiver: str
    sent: int
    sent_per_s: float
    written: int
    dropped: int
    """By the kernel, for want of room in the receive buffer."""
    cpu_ns: float
    """Per packet sent."""


def _ours(option: str) -> Callable[[str], list[str]]:
    where = f"{GROUPS[4]}%{{}}:{PORT}"
    buffer = ("--receive-buffer", str(RECEIVE_BUFFER))
    return lambda interface: programs.mcast_tui("listen", where.format(interface), option, *buffer)


def _socat(interface: str) -> list[str]:
    join = (
        f"UDP4-RECV:{PORT},bind={GROUPS[4]},ip-add-membership={GROUPS[4]}:{interface},rcvbuf={RECEIVE_BUFFER}"
    )
    return ["socat", "-u", join, "STDOUT"]


def _c_loop(interface: str) -> list[str]:
    loop = str(programs.build("recvmmsg_loop"))
    return [loop, GROUPS[4], str(PORT), interface, PATIENCE_S, str(RECEIVE_BUFFER)]


def _lines(file: IO[bytes], _cell: Cell) -> int:
    return sum(1 for _ in file)


def _payloads(file: IO[bytes], cell: Cell) -> int:
    return file.seek(0, os.SEEK_END) // cell.size


def _told(file: IO[bytes], _cell: Cell) -> int:
    told: int = json.loads(file.read())["packets"]
    return told


WRITERS = (
    Writer(JSON, _ours("--json"), _lines),
    Writer(RAW, _ours("--raw-payload"), _payloads),
    Writer(SOCAT, _socat, _payloads),
    Writer(C_LOOP, _c_loop, _told),
)


def measure(lab: Lab, effort: Effort) -> Outcome:
    outcome = Outcome("listen")
    turns = max(effort.others, effort.pairs - 2)
    has_socat = shutil.which("socat") is not None
    if not has_socat:
        outcome.notes.append("socat is not installed: not measured.")
    for cell, names in ((STEADY, {JSON, SOCAT}), (FULL_SPEED, {RAW, SOCAT, C_LOOP})):
        able = [each for each in WRITERS if each.name in names and (has_socat or each.name != SOCAT)]
        runs = [run_once(lab, writer, cell, effort.packets) for _ in range(turns) for writer in able]
        slowest = min(run.sent_per_s for run in runs)
        if slowest < 0.95 * cell.rate:
            outcome.notes.append(f"{cell}: the sender reached only {slowest / 1000:.0f} k/s in one run.")
        outcome.tables.append(_table(cell, runs))
        outcome.verdicts += _verdicts(cell, runs)
        outcome.data[str(cell)] = [asdict(run) for run in runs]
    return outcome


def run_once(lab: Lab, writer: Writer, cell: Cell, packets: int) -> Run:
    """Start the receiver on a core of its own writing to a file, send, and count what stands there."""
    listener, talker = lab.host(1), lab.host(2)
    ours, theirs = (str(core) for core in _two_cores())
    with tempfile.TemporaryFile() as file:
        process = listener.popen(
            ["taskset", "-c", ours, *writer.command(listener.interface)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.DEVNULL,
            env=programs.environment(),
        )
        _wait_until_listening(process, listener.pid)
        counters, cpu_s = machine.udp_counters(listener.pid), machine.cpu_s(process.pid)
        sender = [str(programs.build("sender")), GROUPS[4], str(PORT), talker.interface, str(cell.size)]
        much = [str(cell.rate), "30", str(packets)]
        said = talker.run(["taskset", "-c", theirs, *sender, *much], timeout_s=60).stdout
        machine.wait_until_quiet(process.pid)
        cpu_s = machine.cpu_s(process.pid) - cpu_s
        dropped = machine.udp_counters(listener.pid).since(counters).dropped
        if writer.name != C_LOOP:  # that one ends alone, and says what it saw
            process.terminate()
        process.wait(timeout=machine.PATIENCE_S)
        file.seek(0)
        written = writer.counted(file, cell)
    told = json.loads(said)
    sent = told["sent"]
    return Run(writer.name, sent, sent / told["seconds"], written, dropped, cpu_s / sent * 1e9)


def _two_cores() -> tuple[int, int]:
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]


def _wait_until_listening(process: subprocess.Popen[bytes], host: int) -> None:
    deadline = time.monotonic() + machine.PATIENCE_S
    while not machine.is_listening(host, GROUPS[4]):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{process.args!r} does not listen")
        time.sleep(0.01)
    machine.wait_until_quiet(process.pid)


def _table(cell: Cell, runs: list[Run]) -> Table:
    rows = []
    for writer in WRITERS:
        own = [run for run in runs if run.receiver == writer.name]
        if own:
            costs = [run.cpu_ns for run in own]
            rows.append(
                (
                    writer.name,
                    f"{median(costs):,.0f}",
                    f"{min(costs):,.0f} - {max(costs):,.0f}",
                    " ".join(f"{run.sent - run.written:,}" for run in own),
                    f"{median([run.sent_per_s for run in own]) / 1000:,.0f}",
                )
            )
    header = ("receiver, to a file, on one core", "CPU ns/packet", "range", "lost in each run", "sent k/s")
    return Table(f"Listen: {cell}", header, tuple(rows))


def _verdicts(cell: Cell, runs: list[Run]) -> Iterator[Verdict]:
    def lost(name: str) -> list[int]:
        return [run.sent - run.written for run in runs if run.receiver == name]

    if cell is STEADY:
        yield Verdict(f"{JSON}, {cell}, one core: most lost", max(lost(JSON)), "packets", 0)
        return
    beside = [ours for ours, theirs in zip(lost(RAW), lost(C_LOOP), strict=True) if not theirs]
    if beside:
        what = f"{RAW}, {cell}, one core: most lost beside a lossless {C_LOOP}"
        yield Verdict(what, max(beside), "packets", 0)
