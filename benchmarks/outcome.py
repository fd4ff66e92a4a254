"""What a benchmark hands back: tables to read, verdicts on the budgets, and the raw figures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Effort:
    """How much a run does; `quick` shows that everything works, its figures are noisy."""

    pairs: int = 5
    """Repetitions of ours and of the C loop, interleaved."""
    others: int = 2
    """Repetitions of every other receiver."""
    cells: int = 5
    """How many of `receive.CELLS`."""
    packets: int = 200_000
    """Sent in each run at full speed."""
    seconds: float = 1.0
    """Duration of each run at a fixed rate."""
    rate: int = 100_000
    """Packets a second under which keys are pressed."""
    ring: int = 1_000_000
    """Packets the ring must hold before memory is read and keys are pressed."""
    keys: int = 60
    lines: int = 60
    starts: int = 12
    idle_s: float = 10.0
    frames: int = 200
    groups: int = 10_000
    joins: int = 3
    """How often they are joined and left."""
    requests: int = 1_000
    """Asked of a server with some under way at any time; at once it is asked twice as many."""


FULL = Effort()
QUICK = Effort(
    pairs=1,
    others=1,
    cells=1,
    packets=50_000,
    ring=100_000,
    keys=12,
    lines=8,
    starts=2,
    idle_s=2.0,
    frames=30,
    joins=1,
    requests=200,
)


@dataclass(frozen=True)
class Verdict:
    """One budget and the figure measured for it."""

    what: str
    value: float
    unit: str
    budget: float

    @property
    def holds(self) -> bool:
        return self.value <= self.budget


@dataclass(frozen=True)
class Table:
    """Figures as they are to be read; the first column names the row."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass
class Outcome:
    """Everything one benchmark found."""

    name: str
    tables: list[Table] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader must know of this run: a program missing, a figure not taken."""
    data: dict[str, object] = field(default_factory=dict)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
