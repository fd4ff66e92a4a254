"""Lines from columns: what is the same in all rows is said once, what repeats is worked out once.

50,000 packets a second leave 20 us for each, on a core that also receives them. A stream mostly
differs in number, time and payload; its addresses, ports and flags are few. So a column becomes
`Cells`: one text for all rows, or a text for each, and the lines are one template filled in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.wire.columns import Column

Cells: TypeAlias = "str | Sequence[object]"
"""One text that stands in every row, or what stands in each: a text or a number."""

Part: TypeAlias = "tuple[str, Cells]"
"""A format with one ``%s``, widths included, and what goes into it."""


def cells(column: Column, say: Callable[[Any], str]) -> Cells:
    """Say each value of a column: a number, or a tuple where it has several words a row."""
    if (column == column[0]).all():
        first = column[0].tolist()
        return say(tuple(first) if column.ndim > 1 else first)
    values = column.tolist()
    if column.ndim > 1:
        values = list(map(tuple, values))
    said = {value: say(value) for value in set(values)}
    return [said[value] for value in values]


def lines(parts: Sequence[Part], rows: int) -> list[str]:
    """Return one line a row: the parts one after the other."""
    template: list[str] = []
    varying: list[Sequence[object]] = []
    for form, what in parts:
        if isinstance(what, str):
            template.append((form % what).replace("%", "%%"))
        else:
            template.append(form)
            varying.append(what)
    line = "".join(template)
    if not varying:
        return [line % ()] * rows
    return [line % row for row in zip(*varying, strict=True)]
