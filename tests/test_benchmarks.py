"""Every benchmark works from end to end on the lab and yields figures; which figures is not tested."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as command_line
from benchmarks import groups, machine, quiet, receive, render
from benchmarks.outcome import QUICK, Outcome, Table, Verdict, median, quantile
from benchmarks.receivers import C_LOOP, OTHERS, OURS, PAIRED, captured
from tests.peers import requires

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.receivers import Receiver
    from mcast_tui.services.lab.lan import Lab

TINY = replace(
    QUICK,
    packets=2_000,
    seconds=0.1,
    rate=5_000,
    ring=2_000,
    keys=3,
    lines=2,
    starts=1,
    idle_s=0.1,
    frames=3,
    groups=50,
    requests=20,
)
FOLDER = Path(command_line.__file__).parent


@pytest.fixture
def lan(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab(2)


@requires("gcc")
@pytest.mark.parametrize("name", [name for name in command_line.NAMES if name != "receive"])
def test_a_benchmark_yields_figures(lan: Lab, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in (groups, quiet):
        monkeypatch.setattr(each, "SETTLE_S", 0.0)
    outcome: Outcome = import_module(f"benchmarks.{name}").measure(lan, TINY)

    assert outcome.name == name
    assert all(len(row) == len(table.header) for table in outcome.tables for row in table.rows)
    assert all(math.isfinite(verdict.value) for verdict in outcome.verdicts)
    assert json.loads(json.dumps(render.as_data({}, [outcome])))["outcomes"][0]["data"]


RECEIVERS = [
    receiver for receiver in (*PAIRED, *OTHERS) if receiver.name != "mcjoin" or receiver.is_installed
]
"""mcjoin is measured where somebody installed it; Debian has no package of it."""


@requires("gcc")
@pytest.mark.parametrize("receiver", RECEIVERS, ids=lambda receiver: receiver.name)
def test_a_receiver_takes_what_is_sent_to_the_group(lan: Lab, receiver: Receiver) -> None:
    cell = receive.Cell(100, 2_000)  # 200 packets fit in the kernel's own buffer, however busy the machine is

    run = receive.run_once(lan, receiver, cell, TINY)

    assert run.sent == cell.rate * TINY.seconds
    assert run.received == run.sent
    assert run.cpu_ns > 0


@requires("gcc")
@pytest.mark.parametrize("receiver", PAIRED, ids=lambda receiver: receiver.name)
def test_ours_and_the_c_loops_take_ipv6_as_well(lan: Lab, receiver: Receiver) -> None:
    run = receive.run_once(lan, receiver, receive.Cell(100, 2_000, family=6), TINY)

    assert run.received == run.sent > 0


def test_ours_and_the_c_loop_run_side_by_side_in_changing_order() -> None:
    order = [each.name for each in receive.in_turns(list(PAIRED), receive.CELLS[0], replace(TINY, pairs=2))]

    assert {order.index(OURS), order.index(C_LOOP)} == {1, 2}
    assert order[:3] == order[:2:-1]


def test_a_ratio_is_taken_from_runs_that_were_neighbours() -> None:
    cell = receive.CELLS[0]
    costs = {OURS: (10.0, 100.0, 30.0), C_LOOP: (10.0, 50.0, 10.0)}  # ratios 1, 2, 3; of the medians: 3
    runs = [
        receive.Run(name, cell, 1, 1.0, 1, 0, cost) for name, all_costs in costs.items() for cost in all_costs
    ]

    assert receive.ours_to(C_LOOP, runs) == 2


def test_the_cpu_clock_of_a_process_is_its_own() -> None:
    import os
    import time

    before = machine.cpu_s(os.getpid())
    while time.process_time() < before + 0.01:
        pass

    assert machine.cpu_s(os.getpid()) == pytest.approx(time.process_time(), abs=0.1)


def test_tcpdump_s_own_count_is_read() -> None:
    said = (
        b"listening on eth0\n1 packet captured\n3 packets received by filter\n2 packets dropped by kernel\n"
    )

    assert captured(said) == 1


def test_quantiles_are_values_that_were_measured() -> None:
    assert quantile([5, 1, 4, 2, 3], 0.95) == 5
    assert quantile([5, 1, 4, 2, 3], 0.5) == 3
    assert median([4, 1, 3, 2]) == 2.5


def test_a_budget_that_does_not_hold_is_said_so() -> None:
    outcome = Outcome("x", [Table("t", ("a", "b"), (("1", "2"),))], [Verdict("v", 1.2, "x", 1.1)])

    assert "DOES NOT HOLD" in render.as_text(outcome)
    assert "DOES NOT HOLD" in render.as_markdown(render.as_data({}, [outcome]))


def test_the_figures_in_the_readme_are_those_that_were_kept() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    kept = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))

    shown = readme.partition(render.BEGIN)[2].partition(render.END)[0]

    assert shown.strip() == render.as_markdown(kept).strip()
