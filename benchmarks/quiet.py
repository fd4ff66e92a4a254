"""The app on a quiet LAN: what waiting costs, how soon a lone chat line and a key are on screen."""

from __future__ import annotations

import random
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median, quantile
from benchmarks.receivers import GROUPS, PORT
from benchmarks.session import LABEL, LINES_APART_S, open_app, press_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.terminal import Terminal
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

LINE_BUDGET_MS = 50
SETTLE_S = 2.0


def measure(lab: Lab, effort: Effort) -> Outcome:
    with open_app(lab.host(1)) as terminal, _talking(lab.host(2)) as sock:
        time.sleep(SETTLE_S)
        idle = _idle_share(terminal, effort.idle_s)
        terminal.write("2")  # the chat
        terminal.arrival(f"CHAT {LABEL}")
        lines_ms = [seconds * 1000 for seconds in send_lines(terminal, sock, effort.lines)]
        terminal.write("i")
        keys_ms = [seconds * 1000 for seconds in press_keys(terminal, effort.keys)]
    rows = (
        _row("a lone chat line, wire to screen", lines_ms),
        _row("key press to screen, no traffic", keys_ms),
    )
    return Outcome(
        "quiet",
        [
            Table("On a quiet LAN, ms", ("what", "p50", "p95", "longest", "times"), rows),
            Table(
                "Waiting, nothing arrives",
                ("what", "figure"),
                (("CPU of the process", f"{idle:.1%} of a core, over {effort.idle_s:.0f} s"),),
            ),
        ],
        [Verdict("wire to screen for a lone chat line, p95", quantile(lines_ms, 0.95), "ms", LINE_BUDGET_MS)],
        data={"line_ms": lines_ms, "key_ms": keys_ms, "idle_share": idle},
    )


@contextmanager
def _talking(host: Host) -> Iterator[socket.socket]:
    """Open a socket on this host that sends to the group."""
    with host.entered():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, host.address4.packed)
        yield sock


def _idle_share(terminal: Terminal, seconds: float) -> float:
    pid = terminal.process.pid
    start, cpu_s = time.perf_counter(), machine.cpu_s(pid)
    time.sleep(seconds)
    return (machine.cpu_s(pid) - cpu_s) / (time.perf_counter() - start)


def send_lines(terminal: Terminal, sock: socket.socket, count: int) -> Iterator[float]:
    """Send lines, each alone; yield for each the seconds from sendto(2) until it was on the terminal."""
    for number in range(count):
        time.sleep(random.uniform(*LINES_APART_S))
        marker = f"line-{number:04}-is-here"
        since, sent_at = terminal.size, time.perf_counter()
        sock.sendto(marker.encode() + b"\n", (GROUPS[4], PORT))
        yield terminal.arrival(marker, since) - sent_at


def _row(what: str, values_ms: list[float]) -> tuple[str, ...]:
    spread = (median(values_ms), quantile(values_ms, 0.95), max(values_ms))
    return (what, *(f"{value:.0f}" for value in spread), str(len(values_ms)))
