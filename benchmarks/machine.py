"""What the kernel says of a process, of a namespace, and of the machine we measure on."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path

PATIENCE_S = 20.0
"""How long anything is waited for before the benchmark gives up."""
QUIET_S = 0.1
QUIET_CPU_S = 0.003
"""A process that used less than this in `QUIET_S` is waiting: our own receiver wakes up now and then."""


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and all its threads, user and system, to the nanosecond.

    The clock id is that of clock_getcpuclockid(3), which CPython does not offer.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident_mib(pid: int) -> tuple[float, float]:
    """Return how much memory of a process is resident now, and the most that ever was (VmRSS, VmHWM)."""
    status = dict(line.split(":", 1) for line in _read(f"/proc/{pid}/status").splitlines() if ":" in line)
    now, most = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


@dataclass(frozen=True)
class UdpCounters:
    """Datagrams of one family in one network namespace since it began."""

    read: int
    """Taken by programs: the kernel counts them when they are read."""
    dropped: int
    """For want of room in a receive buffer."""

    def since(self, before: UdpCounters) -> UdpCounters:
        return UdpCounters(self.read - before.read, self.dropped - before.dropped)


def udp_counters(pid: int, family: int = 4) -> UdpCounters:
    """Read the counters of the namespace that process `pid` lives in."""
    if family == 6:
        counters = dict(line.split() for line in _read(f"/proc/{pid}/net/snmp6").splitlines())
        return UdpCounters(int(counters["Udp6InDatagrams"]), int(counters["Udp6RcvbufErrors"]))
    names, values = (
        line.split()[1:] for line in _read(f"/proc/{pid}/net/snmp").splitlines() if line[:4] == "Udp:"
    )
    counters = dict(zip(names, values, strict=True))
    return UdpCounters(int(counters["InDatagrams"]), int(counters["RcvbufErrors"]))


def is_listening(pid: int, group: str) -> bool:
    """Whether somebody in the namespace of `pid` has joined `group`, or taps the wire."""
    address = ip_address(group)
    if address.version == 6:
        joined = address.packed.hex() in _read(f"/proc/{pid}/net/igmp6")
    else:
        joined = address.packed[::-1].hex().upper() in _read(f"/proc/{pid}/net/igmp")
    return joined or len(_read(f"/proc/{pid}/net/packet").splitlines()) > 1


def wait_until_quiet(pid: int) -> None:
    """Return once the process has next to nothing to do."""
    deadline = time.monotonic() + PATIENCE_S
    before = cpu_s(pid)
    while time.monotonic() < deadline:
        time.sleep(QUIET_S)
        now = cpu_s(pid)
        if now - before < QUIET_CPU_S:
            return
        before = now
    raise TimeoutError(f"process {pid} was still busy after {PATIENCE_S:g} s")


def busy_cores(seconds: float = 0.5) -> float:
    """Return how many cores the machine keeps busy while we sleep: what others do."""
    before = _jiffies()
    time.sleep(seconds)
    after = _jiffies()
    used, total = (b - a for a, b in zip(before, after, strict=True))
    return used / total * (os.cpu_count() or 1) if total else 0.0


def _jiffies() -> tuple[int, int]:
    values = [int(word) for word in _read("/proc/stat").split("\n", 1)[0].split()[1:9]]
    idle = values[3] + values[4]  # idle, iowait: proc_stat(5)
    return sum(values) - idle, sum(values)


def describe() -> dict[str, str]:
    """Return what of this machine and its software bears on the figures; nothing that names it."""
    return {
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        **{name: version(name) for name in ("textual", "rich", "numpy", "click")},
    }


def _cpu_model() -> str:
    lines = [line for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return lines[0].split(":", 1)[1].strip() if lines else platform.machine()


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace")
    except FileNotFoundError:
        return ""  # /proc/net/packet and igmp6 are there only where the kernel has these things
