"""A command for each datagram: ours beside socat's ``RECVFROM,fork``, in turns, and many at once."""

from __future__ import annotations

import os
import re
import select
import shutil
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks import machine, programs
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median
from benchmarks.receivers import GROUPS, PORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

OURS, SOCAT = "mcast-tui serve", "socat RECVFROM,fork"
WINDOW = 32
"""Requests under way: enough to keep every core busy, few enough for socat's receive buffer."""
SILENCE_S = 1.0
"""What is under way when nothing has been done for so long is lost."""
SILENT, ANSWERING = "/bin/true", "/bin/head -n1"
"""The second reads its input before it answers: of a command that does not, socat loses answers."""
ENDED = {OURS: rb": its command ended ", SOCAT: rb" N exiting with status | N exit\("}
"""What each says on stderr when a command that answers nothing has ended; socat's second when it was too late
to give the command its input."""
_PAYLOAD = b"are you there\n"


@dataclass(frozen=True)
class Run:
    """One server's run."""

    server: str
    command: str
    asked: int
    done: int
    seconds: float
    """Without the silences after which what was under way was given up."""

    @property
    def per_s(self) -> float:
        return self.done / self.seconds


def measure(lab: Lab, effort: Effort) -> Outcome:
    outcome = Outcome("serve")
    with_socat = shutil.which("socat") is not None
    if not with_socat:
        outcome.notes.append("socat is not installed: not measured.")
    servers = [OURS, SOCAT] if with_socat else [OURS]
    steady: list[Run] = []
    for command in (SILENT, ANSWERING):
        for turn in range(effort.pairs):
            for server in servers if turn % 2 else reversed(servers):
                steady.append(run_once(lab, server, command, effort.requests, WINDOW))
    many = 2 * effort.requests
    at_once = [run_once(lab, server, ANSWERING, many, many) for server in servers]
    outcome.tables += [
        _table(f"A command for each request, {WINDOW} requests under way", steady),
        _table(f"{many:,} requests at once", at_once),
    ]
    if with_socat:
        outcome.verdicts += [
            Verdict(
                f"serve -- {command}: seconds per request, ours / socat", _ratio(steady, command), "x", 1.0
            )
            for command in (SILENT, ANSWERING)
        ]
    lost = at_once[0].asked - at_once[0].done
    outcome.verdicts.append(Verdict(f"{many:,} requests at once: not answered", lost, "requests", 0))
    outcome.data["runs"] = [asdict(run) for run in (*steady, *at_once)]
    return outcome


def run_once(lab: Lab, server: str, command: str, count: int, window: int) -> Run:
    """Start a server, ask it `count` times with `window` requests under way, and see how many were done."""
    host, process = lab.host(1), _start(lab.host(1), server, command)
    try:
        with lab.host(2).entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sock.setblocking(False)
            answers = _answers(sock) if command == ANSWERING else _said(process, ENDED[server])
            watched = sock if command == ANSWERING else process.stderr
            done, seconds = _ask(sock, answers, watched, count, window)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        _wait_until_left(host)
    return Run(server, command, count, done, seconds)


def _start(host: Host, server: str, command: str) -> subprocess.Popen[bytes]:
    where = f"{GROUPS[4]}%{host.interface}:{PORT}"
    join = f"UDP4-RECVFROM:{PORT},reuseaddr,ip-add-membership={GROUPS[4]}:{host.interface},fork"
    silent = command == SILENT
    argv = {
        OURS: programs.mcast_tui(
            "serve", where, *["--verbose"][: 1 if silent else 0], "--", *command.split()
        ),
        SOCAT: ["socat", *["-d", "-d"][: 2 if silent else 0], join, f"EXEC:{command}"],
    }[server]
    process = host.popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=programs.environment())
    deadline = time.monotonic() + machine.PATIENCE_S
    while not machine.is_listening(host.pid, GROUPS[4]):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"{server} does not listen: {process.communicate()[1]!r}")
        time.sleep(0.01)
    machine.wait_until_quiet(process.pid)
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    return process


def _wait_until_left(host: Host) -> None:
    deadline = time.monotonic() + machine.PATIENCE_S
    while machine.is_listening(host.pid, GROUPS[4]):  # socat's children hold its socket
        if time.monotonic() > deadline:
            raise RuntimeError("the server's group is not left")
        time.sleep(0.01)


def _answers(sock: socket.socket) -> Callable[[], int]:
    """Return what counts the answers that came since it was called last."""

    def count() -> int:
        found = 0
        try:
            while sock.recv(1 << 16) == _PAYLOAD:
                found += 1
        except BlockingIOError:
            pass
        return found

    return count


def _said(process: subprocess.Popen[bytes], pattern: bytes) -> Callable[[], int]:
    """Return what counts the lines with `pattern` that a program said since it was called last."""
    assert process.stderr is not None
    descriptor, line = process.stderr.fileno(), b""

    def count() -> int:
        nonlocal line
        try:
            data = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return 0
        *whole, line = (line + data).split(b"\n")
        return sum(re.search(pattern, each) is not None for each in whole)

    return count


def _ask(
    sock: socket.socket, answers: Callable[[], int], watched: object, count: int, window: int
) -> tuple[int, float]:
    """Ask and wait; return how many requests were done, and the time in which they were.

    What is under way while nothing happens for `SILENCE_S` is lost: that silence is not held against anybody.
    """
    last = time.perf_counter()
    asked = done = lost = 0
    seconds = 0.0
    while done + lost < count:
        while asked < count and asked - done - lost < window:
            sock.sendto(_PAYLOAD, (GROUPS[4], PORT))
            asked += 1
        is_heard = bool(select.select([watched], [], [], SILENCE_S)[0])
        now = time.perf_counter()
        more = answers() if is_heard else 0
        done += more
        if more:
            seconds, last = seconds + now - last, now
        elif now - last > SILENCE_S:
            lost, last = asked - done, now
    return done, seconds


def _ratio(runs: list[Run], command: str) -> float:
    """Return what a request of ours takes in terms of socat's: the median over neighbouring runs."""
    ours, theirs = _of(runs, OURS, command), _of(runs, SOCAT, command)
    return median([other.per_s / mine.per_s for mine, other in zip(ours, theirs, strict=True)])


def _table(title: str, runs: list[Run]) -> Table:
    rows = []
    for server, command in dict.fromkeys((run.server, run.command) for run in sorted(runs, key=_order)):
        own = _of(runs, server, command)
        rates = [run.per_s for run in own]
        lost = sum(run.asked - run.done for run in own)
        spread = f"{min(rates):,.0f} - {max(rates):,.0f}"
        rows.append((command, server, f"{median(rates):,.0f}", spread, str(lost), str(len(own))))
    return Table(title, ("command", "server", "requests/s", "range", "not done", "runs"), tuple(rows))


def _order(run: Run) -> tuple[bool, bool]:
    return run.command != SILENT, run.server != OURS


def _of(runs: list[Run], server: str, command: str) -> list[Run]:
    return [run for run in runs if (run.server, run.command) == (server, command)]
