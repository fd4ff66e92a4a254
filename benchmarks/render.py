"""A run as text for the terminal, as JSON, and as the figures in README.md."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.outcome import Outcome, Table, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
"""Between these README.md is written by ``python -m benchmarks --keep``, never by hand."""


def as_text(outcome: Outcome) -> str:
    """Return the tables of an outcome, aligned, and its verdicts."""
    parts = [f"{table.title}\n{_aligned([table.header, *table.rows])}" for table in outcome.tables]
    parts += [f"note: {note}" for note in outcome.notes]
    if outcome.verdicts:
        parts.append(_aligned([_verdict_row(verdict) for verdict in outcome.verdicts]))
    return "\n\n".join(parts) + "\n"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as lines, the first column to the left, the others to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  " + "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def _verdict_row(verdict: Verdict) -> tuple[str, str, str, str]:
    unit = verdict.unit if verdict.unit.startswith(("x", "%")) else f" {verdict.unit}"
    digits = 2 if verdict.unit == "x" else 0
    figure, budget = (f"{number:,.{digits}f}{unit}" for number in (verdict.value, verdict.budget))
    return verdict.what, figure, f"<= {budget}", "holds" if verdict.holds else "DOES NOT HOLD"


def as_data(machine: dict[str, str], outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return a run as what JSON can hold."""
    return {"schema": 1, "machine": machine, "outcomes": [asdict(outcome) for outcome in outcomes]}


def as_markdown(run: dict[str, Any]) -> str:
    """Return the figures of a run (`as_data`) as README.md shows them."""
    outcomes = [_outcome(raw) for raw in run["outcomes"]]
    machine = ", ".join(f"{name} {value}" for name, value in run["machine"].items())
    verdicts = [_verdict_row(verdict) for outcome in outcomes for verdict in outcome.verdicts]
    budgets = Table("The budgets", ("what", "figure", "budget", "verdict"), tuple(verdicts))
    parts = [f"Measured on: {machine}.", _markdown_table(budgets)]
    for outcome in outcomes:
        parts += [_markdown_table(table) for table in outcome.tables]
        parts += [f"*{note}*" for note in outcome.notes]
    return "\n\n".join(parts) + "\n"


def _outcome(raw: dict[str, Any]) -> Outcome:
    tables = [
        Table(each["title"], tuple(each["header"]), tuple(map(tuple, each["rows"]))) for each in raw["tables"]
    ]
    return Outcome(raw["name"], tables, [Verdict(**each) for each in raw["verdicts"]], raw["notes"])


def _markdown_table(table: Table) -> str:
    ruler = ("---", *["---:"] * (len(table.header) - 1))
    lines = [f"| {' | '.join(row)} |" for row in (table.header, ruler, *table.rows)]
    return f"**{table.title}**\n\n" + "\n".join(lines)


def keep(run: dict[str, Any], folder: Path) -> None:
    """Make this run the one that is kept: ``results.json``, and the figures in README.md."""
    (folder / "results.json").write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
    readme = folder / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{as_markdown(run)}{END}{after}", encoding="utf-8")
