"""Hex dump of a payload: offset, bytes in groups of eight, printable ASCII. Only visible rows are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from mcast_tui.app.fit import MUTED
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.safe import hex_dump

if TYPE_CHECKING:
    from textual.events import Resize

WIDE_CELLS: Final = 74
"""From here on a row has 16 bytes."""

LAYOUTS: Final = ((WIDE_CELLS, 16), (39, 8), (23, 4), (14, 2), (0, 1))
"""Cells a dump needs, and the bytes per row it has then."""


def bytes_per_row(cells: int) -> int:
    """Return how many bytes a row of the dump has in a view of `cells` cells."""
    return next(count for needed, count in LAYOUTS if cells >= needed)


class HexView(Rows, can_focus=True):
    """Shows the bytes of one payload, or in words why there are none."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(self.row)
        self._payload = b""
        self._instead = ""

    def show(self, payload: bytes | None, instead: str = "") -> None:
        """Show `payload` from its start; `instead`, our own words, where there are no bytes to show."""
        self._payload = payload or b""
        self._instead = instead
        self.scroll_to(y=0, animate=False)
        self._count()

    @property
    def per_row(self) -> int:
        """Bytes per row at the width of now."""
        return bytes_per_row(self.row_width)

    def row(self, y: int) -> Content:
        if not self._payload:
            return Content.styled(self._instead, f"{MUTED} italic")
        per_row = self.per_row
        shown = next(hex_dump(self._payload[: (y + 1) * per_row], per_row, y * per_row), None)
        if shown is None:  # drawn at a new width before the rows were counted again
            return Content()
        return Content.assemble(
            (f"{shown.offset:04x}", MUTED),
            f"  {shown.hexadecimal}  ",
            (shown.ascii, "$primary"),
        )

    def on_resize(self, _event: Resize) -> None:
        self._count()

    def _count(self) -> None:
        self.set_row_count(-(-len(self._payload) // self.per_row) or bool(self._instead))
