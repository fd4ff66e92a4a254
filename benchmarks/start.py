"""How soon something is there: the first frame beside a minimal Textual app's, ``--help`` beside Python's."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks import programs
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median, quantile
from benchmarks.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab

FRAME_BUDGET, HELP_BUDGET = 1.2, 2.0
FIRST_FRAME, START_PAGE, MINIMAL = "mcast-tui, first frame", "mcast-tui, start page", "minimal Textual app"
HELP, BARE = "mcast-tui --help", "python -c pass"


def measure(lab: Lab, effort: Effort) -> Outcome:
    host = lab.host(1)
    minimal = programs.python("minimal_app.py")
    frames = _in_turns(
        {
            (FIRST_FRAME, START_PAGE): lambda: shown_s(
                host, programs.mcast_tui(), "mcast-tui", "Nothing has been sent"
            ),
            (MINIMAL,): lambda: shown_s(host, minimal, "first-frame"),
        },
        effort.starts,
    )
    runs = _in_turns(
        {
            (HELP,): lambda: run_s(host, programs.mcast_tui("--help")),
            (BARE,): lambda: run_s(host, [sys.executable, "-c", "pass"]),
        },
        effort.starts * 2,
    )
    tables = [
        _table("From start to what is on the terminal, ms", frames, MINIMAL),
        _table("Command line, start to end, ms", runs, BARE),
    ]
    first, help_ = _ratio(frames[FIRST_FRAME], frames[MINIMAL]), _ratio(runs[HELP], runs[BARE])
    verdicts = [
        Verdict("first frame, ours / a minimal Textual app", first, "x", FRAME_BUDGET),
        Verdict("`--help`, ours / `python -c pass`", help_, "x", HELP_BUDGET),
    ]
    return Outcome("start", tables, verdicts, data={"shown_s": frames, "run_s": runs})


def _in_turns(
    takes: dict[tuple[str, ...], Callable[[], tuple[float, ...]]], times: int
) -> dict[str, list[float]]:
    """Call each in turn, once to warm the caches and then `times` times; return the seconds, by name."""
    taken: dict[str, list[float]] = {name: [] for names in takes for name in names}
    for turn in range(times + 1):
        for names, take in takes.items():
            for name, seconds in zip(names, take(), strict=True):
                if turn:
                    taken[name].append(seconds)
    return taken


def shown_s(host: Host, argv: Sequence[str], *markers: str) -> tuple[float, ...]:
    """Start a program in a terminal; return after how long each marker was on it."""
    with Terminal(host, argv) as terminal:
        return tuple(terminal.arrival(marker) - terminal.started_at for marker in markers)


def run_s(host: Host, argv: Sequence[str]) -> tuple[float]:
    """Run a program to its end; return how long that took."""
    start = time.perf_counter()
    with host.popen(argv, stdout=subprocess.DEVNULL, env=programs.environment()) as process:
        status = process.wait()
    if status:
        raise RuntimeError(f"{argv} ended with status {status}")
    return (time.perf_counter() - start,)


def _ratio(ours: list[float], reference: list[float]) -> float:
    """Return the median ratio of neighbouring runs."""
    return median([mine / other for mine, other in zip(ours, reference, strict=True)])


def _table(title: str, taken: dict[str, list[float]], reference: str) -> Table:
    rows = []
    for name, all_s in taken.items():
        times = (median(all_s) * 1000, quantile(all_s, 0.95) * 1000)
        ratio = _ratio(all_s, taken[reference])
        rows.append((name, *(f"{each:.0f}" for each in times), f"{ratio:.2f}", str(len(all_s))))
    return Table(title, ("what", "median", "p95", f"to {reference}", "runs"), tuple(rows))
