"""``python -m benchmarks [NAME...] [--quick] [--keep]``: run them on a virtual LAN, print the figures."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine, programs, render
from benchmarks.outcome import FULL, QUICK, Outcome

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab

HERE = Path(__file__).parent
NAMES = {
    "receive": "CPU per packet and packets lost: ours, a C loop, and other programs",
    "tap": "CPU per packet and packets lost of the tap: ours and tcpdump",
    "listen": "listen --json and --raw-payload to a file on one core, beside socat",
    "flood": "key press to screen, CPU and memory of the app under 100 k packets/s",
    "quiet": "wire to screen for a lone chat line, idle CPU",
    "serve": "requests answered a second by a command for each: ours and socat's RECVFROM,fork",
    "start": "first frame and --help",
    "groups": "ten thousand groups joined, held while nothing comes, left",
    "healing": "how soon packets flow again after a cable was out, a card was changed and the like",
    "frame": "what a frame of the packet log costs in process",
}
"""Benchmark -> what it measures; each is a module with `measure(lab, effort)`."""


def main() -> int:
    """Run what was asked for; 1 when a budget does not hold, 4 when there can be no virtual LAN."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    listed = "; ".join(f"{name}: {what}" for name, what in NAMES.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"all when none is named. {listed}")
    parser.add_argument("--quick", action="store_true", help="less of everything; the figures are noisy")
    parser.add_argument("--keep", action="store_true", help="write results.json and the figures in README.md")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    if options.keep and (options.quick or options.names):
        parser.error("only a whole run is kept: --keep goes with neither --quick nor names")
    try:
        run = _run(options.names or list(NAMES), quick=options.quick)
    except programs.MissingProgramError as missing:
        print(missing, file=sys.stderr)
        return 4
    _store(run)
    if options.keep:
        render.keep(run, HERE)
    return 0 if all(v["value"] <= v["budget"] for each in run["outcomes"] for v in each["verdicts"]) else 1


def _run(names: list[str], *, quick: bool) -> dict[str, Any]:
    from mcast_tui.services.lab.lan import Lab
    from mcast_tui.services.lab.namespace import enter_private_network, isolation_refused

    if refused := isolation_refused():
        raise programs.MissingProgramError(str(refused))
    enter_private_network()  # before any thread: no packet can reach a real interface from here on
    facts = machine.describe() | {"at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")}
    outcomes, others = [], [machine.busy_cores(1.0)]
    with Lab(2) as lab:
        for name in names:
            outcomes.append(_measure(name, lab, quick=quick))
            others.append(machine.busy_cores(1.0))
    facts["others kept busy"] = f"{min(others):.1f} to {max(others):.1f} cores"
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    return render.as_data(facts, outcomes)


def _measure(name: str, lab: Lab, *, quick: bool) -> Outcome:
    print(f"== {name}: {NAMES[name]}", flush=True)
    begun = time.monotonic()
    outcome: Outcome = import_module(f"benchmarks.{name}").measure(lab, QUICK if quick else FULL)
    print(f"{render.as_text(outcome)}  ({time.monotonic() - begun:.0f} s)\n", flush=True)
    return outcome


def _store(run: dict[str, Any]) -> None:
    """Write the run into ``runs/``, which is not committed."""
    folder = HERE / "runs"
    folder.mkdir(exist_ok=True)
    at = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    (folder / f"{at}-{os.getpid()}.json").write_text(json.dumps(run) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
