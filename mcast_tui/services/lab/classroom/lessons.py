"""The lessons that come with the program: files beside this package, found by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom.scenario_file import read_scenario

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.scenario import Scenario

FOLDER = Path(__file__).parents[1] / "lessons"
ORDER = ("flooding", "four-minutes", "source", "ttl", "broadcast", "leak", "reverse-path")
"""As they are taught."""


def lessons() -> tuple[Scenario, ...]:
    """Return every lesson, in the order they are taught."""
    return tuple(read_scenario(FOLDER / f"{name}.toml") for name in ORDER)


def find_scenario(name: str) -> Scenario:
    """Return the lesson of that name, else the file of that path; raises UsageError."""
    if name in ORDER:
        return read_scenario(FOLDER / f"{name}.toml")
    if not Path(name).exists():
        remedy = f"Lessons are {', '.join(ORDER)}."
        raise UsageError(f"run {name!r}", "it is neither a lesson nor a file", remedy=remedy)
    return read_scenario(Path(name))
