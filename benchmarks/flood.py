"""The app under load: a full ring, then keys pressed while packets arrive; its CPU and its memory."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks import machine, programs
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median, quantile
from benchmarks.receivers import GROUPS, PORT
from benchmarks.session import open_app, press_keys

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

KEY_BUDGET_MS, CPU_BUDGET, MEMORY_BUDGET_MIB = 60, 60, 200
SIZE = 100
PRESS_S = 0.16
"""No key press takes longer on average: how long the sender has to go on."""
DEFAULT_RING = 1_000_000


@dataclass(frozen=True)
class Load:
    """What was seen of the app from outside."""

    sent: int
    sent_per_s: float
    lost: int
    """Sent and not read by the app."""
    dropped: int
    """By the kernel, for want of room in the app's receive buffer."""
    key_ms: list[float]
    cpu_share: float
    """Of one core, while keys were pressed."""
    bytes_per_s: float
    """To the terminal."""
    resident_mib: tuple[float, float, float]
    """Before the traffic, with the ring filled, and the most there ever was."""


def measure(lab: Lab, effort: Effort) -> Outcome:
    load = _load_app(lab.host(1), lab.host(2), effort)
    p95 = quantile(load.key_ms, 0.95)
    before, filled, most = load.resident_mib
    rows = (
        ("key press to screen, p50", f"{median(load.key_ms):.0f} ms"),
        ("key press to screen, p95", f"{p95:.0f} ms"),
        ("key press to screen, longest", f"{max(load.key_ms):.0f} ms"),
        ("CPU of the process", f"{load.cpu_share:.0%} of a core"),
        ("bytes to the terminal", f"{load.bytes_per_s / 1000:.0f} kB/s"),
        ("packets sent / lost", f"{load.sent:,} / {load.lost:,}"),
        ("dropped by the kernel", f"{load.dropped:,}"),
        ("resident before / after / at most", f"{before:.0f} / {filled:.0f} / {most:.0f} MiB"),
    )
    title = f"The app at 120x40 under {load.sent_per_s / 1000:.0f} k packets/s of {SIZE} bytes"
    verdicts = [
        Verdict("key press to screen, p95, under 100 k packets/s", p95, "ms", KEY_BUDGET_MS),
        Verdict("CPU of the whole process meanwhile", load.cpu_share * 100, "% of a core", CPU_BUDGET),
        Verdict("packets lost meanwhile", load.lost, "packets", 0),
    ]
    if effort.ring >= DEFAULT_RING:
        verdicts.append(Verdict("memory with a full ring of 1 M packets", filled, "MiB", MEMORY_BUDGET_MIB))
    return Outcome("flood", [Table(title, ("what", "figure"), rows)], verdicts, data=asdict(load))


def _load_app(listener: Host, talker: Host, effort: Effort) -> Load:
    with open_app(listener) as terminal:
        pid = terminal.process.pid
        before, (began, _) = machine.udp_counters(listener.pid), machine.resident_mib(pid)
        sender = _start_sender(talker, effort)
        _wait_for(listener, before.read + effort.ring)
        terminal.write("i")  # into the input line
        time.sleep(0.5)
        start, cpu_s, size = time.perf_counter(), machine.cpu_s(pid), terminal.size
        key_ms = [seconds * 1000 for seconds in press_keys(terminal, effort.keys)]
        lasted, cpu_s = time.perf_counter() - start, machine.cpu_s(pid) - cpu_s
        size = terminal.size - size
        told = json.loads(sender.communicate(timeout=machine.PATIENCE_S)[0])
        time.sleep(1.0)  # the last packets are read and drawn
        counters = machine.udp_counters(listener.pid).since(before)
        resident = (began, *machine.resident_mib(pid))
    sent, seconds = told["sent"], told["seconds"]
    share, lost = cpu_s / lasted, sent - counters.read
    return Load(sent, sent / seconds, lost, counters.dropped, key_ms, share, size / lasted, resident)


def _start_sender(host: Host, effort: Effort) -> subprocess.Popen[bytes]:
    seconds = effort.ring / effort.rate + 1 + effort.keys * PRESS_S * 1.3
    where = [GROUPS[4], str(PORT), host.interface, str(SIZE)]
    argv = [str(programs.build("sender")), *where, str(effort.rate), f"{seconds:.1f}"]
    return host.popen(argv, stdout=subprocess.PIPE)


def _wait_for(host: Host, packets: int) -> None:
    deadline = time.monotonic() + 2 * machine.PATIENCE_S
    while machine.udp_counters(host.pid).read < packets:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{packets} packets were not read")
        time.sleep(0.05)
