"""Ten thousand groups: how soon they are joined and left, what it costs to hold them while nothing comes."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from benchmarks import machine, programs
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

JOIN_BUDGET_S, IDLE_BUDGET = 1.0, 2.0
SETTLE_S = 3.0
"""The first samples after a join still take in the new groups."""
FIRST = {4: "239.0.0.0", 6: "ff15::1:0"}


def measure(lab: Lab, effort: Effort) -> Outcome:
    host, count = lab.host(1), effort.groups
    runs = {family: [_in_process(host, family, count) for _ in range(effort.joins)] for family in FIRST}
    listening = _idle(host, effort, "listen", f"listening to {count} groups")
    app = _idle(host, effort, None, "and ")
    joined = {family: median([joined_s for joined_s, _ in times]) for family, times in runs.items()}
    left = {family: median([left_s for _, left_s in times]) for family, times in runs.items()}
    rows = [
        (f"IPv{family}", f"{joined[family]:.2f}", f"{left[family]:.2f}", str(len(times)))
        for family, times in runs.items()
    ]
    idle = [
        (name, f"{share:.1%}", f"{resident:.0f}")
        for name, (share, resident) in (("listen", listening), ("the app", app))
    ]
    return Outcome(
        "groups",
        [
            Table(f"{count} groups, a socket each, s", ("", "joined", "left", "runs"), tuple(rows)),
            Table(
                f"{count} groups, nothing arrives for {effort.idle_s:.0f} s",
                ("", "CPU of a core", "resident MiB"),
                tuple(idle),
            ),
        ],
        [
            Verdict(f"{count} groups joined", joined[4], "s", JOIN_BUDGET_S),
            Verdict("idle CPU of listen with them", listening[0] * 100, "% of a core", IDLE_BUDGET),
            Verdict("idle CPU of the app with them", app[0] * 100, "% of a core", IDLE_BUDGET),
        ],
        data={
            "joined_s": {str(family): [each[0] for each in times] for family, times in runs.items()},
            "left_s": {str(family): [each[1] for each in times] for family, times in runs.items()},
            "idle_share": {"listen": listening[0], "app": app[0]},
            "resident_mib": {"listen": listening[1], "app": app[1]},
        },
    )


def _in_process(host: Host, family: int, count: int) -> tuple[float, float]:
    """Join and leave the groups in a process of their own; return the seconds each took."""
    address = f"[{FIRST[family]}%{host.interface}]" if family == 6 else f"{FIRST[family]}%{host.interface}"
    run = host.run(
        programs.python("groups_child.py", f"{address}:5000+{count - 1}"), env=programs.environment()
    )
    joined_s, left_s = map(float, run.stdout.split())
    return joined_s, left_s


def _idle(host: Host, effort: Effort, verb: str | None, marker: str) -> tuple[float, float]:
    """Start a command joined to the groups; return its CPU share while it waits, and its memory in MiB."""
    where = f"{FIRST[4]}%{host.interface}:5000+{effort.groups - 1}"
    argv = programs.mcast_tui(*([verb] if verb else []), where)
    with Terminal(host, argv) as terminal:
        terminal.arrival(marker)
        time.sleep(SETTLE_S)
        pid = terminal.process.pid
        begun, cpu_s = time.perf_counter(), machine.cpu_s(pid)
        time.sleep(effort.idle_s)
        share = (machine.cpu_s(pid) - cpu_s) / (time.perf_counter() - begun)
        resident, _ = machine.resident_mib(pid)
        terminal.process.send_signal(signal.SIGTERM)
        terminal.process.wait(machine.PATIENCE_S)
    return share, resident
