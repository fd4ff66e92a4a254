"""A lesson, or any described LAN, played without a screen: each step as it is done and checked.

As text for a person, or as JSON, one object per line: ``scenario``, then a ``step`` for each, then ``end``.
It stops at the first step that does not hold: those after it build on it.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Protocol

from mcast_tui.cli.prose import terminal_width, wrap
from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.runner import StepResult
    from mcast_tui.services.lab.classroom.scenario import Scenario

SCHEMA = 1
NOT_AS_EXPECTED = 1
HELD, FAILED = "✓", "✗"


class Report(Protocol):
    """Tells how a scenario goes."""

    def begin(self, scenario: Scenario) -> None:
        """Say what it is about."""

    def step(self, result: StepResult) -> None:
        """Say what was done and how it came out."""

    def end(self, results: list[StepResult], scenario: Scenario) -> None:
        """Say whether all held."""


async def play(scenario: Scenario, report: Report) -> int:
    """Play a scenario to its end or to the first step that does not hold; return the exit status."""
    from mcast_tui.services.lab.classroom.runner import Runner

    report.begin(scenario)
    results: list[StepResult] = []
    async with Runner(scenario) as runner:
        while not runner.is_over and all(result.holds for result in results):
            results.append(await runner.next())
            report.step(results[-1])
    report.end(results, scenario)
    return 0 if all(result.holds for result in results) else NOT_AS_EXPECTED


class TextReport:
    """For a person."""

    def __init__(self) -> None:
        self._width = terminal_width()

    def begin(self, scenario: Scenario) -> None:
        _print(scenario.title)
        self._prose(scenario.text)
        self._prose(scenario.scale)

    def step(self, result: StepResult) -> None:
        _print("", f"{result.number}. {result.step.title}")
        for done in result.done:
            self._hung("  - ", done)
        self._prose(result.step.see)
        self._prose(result.step.why)
        if result.step.reference:
            self._prose(f"({result.step.reference})")
        for outcome in result.outcomes:
            self._hung(f"  {HELD if outcome.holds else FAILED} ", f"{outcome.text}: {outcome.evidence}")

    def end(self, results: list[StepResult], scenario: Scenario) -> None:
        outcomes = [outcome for result in results for outcome in result.outcomes]
        failed = sum(not outcome.holds for outcome in outcomes)
        left = len(scenario.steps) - len(results)
        _print("", f"{len(outcomes) - failed} of {len(outcomes)} expectations held.")
        if left:
            _print(
                f"The {left} step{'s' * (left > 1)} after this one {'were' if left > 1 else 'was'} not done."
            )

    def _prose(self, text: str) -> None:
        for paragraph in text.split("\n"):
            _print(*wrap(paragraph, self._width, "  ", "  "))

    def _hung(self, mark: str, text: str) -> None:
        _print(*wrap(text, self._width, mark, " " * len(mark)))


class JsonReport:
    """For a program."""

    def begin(self, scenario: Scenario) -> None:
        _print_json("scenario", name=scenario.name, title=scenario.title, steps=len(scenario.steps))

    def step(self, result: StepResult) -> None:
        _print_json(
            "step",
            number=result.number,
            title=result.step.title,
            done=result.done,
            holds=result.holds,
            expectations=[
                {"text": outcome.text, "holds": outcome.holds, "evidence": outcome.evidence}
                for outcome in result.outcomes
            ],
            took_s=round(result.took_s, 3),
        )

    def end(self, results: list[StepResult], scenario: Scenario) -> None:
        holds = all(result.holds for result in results)
        _print_json("end", holds=holds, steps_done=len(results), steps=len(scenario.steps))


def print_lessons(scenarios: tuple[Scenario, ...]) -> None:
    """Print the name and the title of each."""
    width = max(len(scenario.name) for scenario in scenarios)
    _print(*(f"{scenario.name:<{width}}  {scenario.title}" for scenario in scenarios))


def _print_json(kind: str, **fields: Any) -> None:
    _print(json.dumps({"schema": SCHEMA, "kind": kind, **fields}))


def _print(*lines: str) -> None:
    """Print lines at once, so that a step is seen when it is done; whoever wrote the file wrote the words."""
    for line in lines:
        sys.stdout.write(f"{safe_text(line)}\n")
    sys.stdout.flush()
