"""The popup above the input: what the word at the cursor could become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from mcast_tui.app.fit import MUTED, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.geometry import Size

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.completion import Candidate

SHOWN = 8


class Suggestions(Widget):
    """Draws candidates, a window of `SHOWN` around the chosen one; holds no logic of its own."""

    DEFAULT_CSS = """
    Suggestions { height: auto; display: none; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="suggestions")
        self._glyphs = glyphs
        self._candidates: Sequence[Candidate] = ()
        self._chosen: int | None = None

    def show(self, candidates: Sequence[Candidate], chosen: int | None = None) -> None:
        """Draw these, `chosen` set apart; none at all hides the popup."""
        if (candidates, chosen) == (self._candidates, self._chosen):
            return
        self._candidates, self._chosen = candidates, chosen
        self.display = bool(candidates)
        self.refresh(layout=True)

    @property
    def is_open(self) -> bool:
        return bool(self.display)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        del container, viewport, width
        return min(len(self._candidates), SHOWN)

    def render(self) -> Content:
        first = max(0, min((self._chosen or 0) - SHOWN // 2, len(self._candidates) - SHOWN))
        rows = self._candidates[first : first + SHOWN]
        return Content("\n").join(
            self._row(row, chosen=first + at == self._chosen) for at, row in enumerate(rows)
        )

    def _row(self, candidate: Candidate, *, chosen: bool) -> Content:
        mark = self._glyphs.pointer if chosen else " "
        width = self.size.width
        longest = max(len(each.usage) for each in self._candidates)
        usage_width = min(longest, width // 2 if candidate.help else width)
        usage = Content.styled(candidate.usage, "bold" if chosen else "")
        usage = cut(usage, usage_width, self._glyphs.ellipsis)
        row = Content.assemble((f"{mark} ", "$primary"), usage, "  ", (candidate.help, MUTED))
        row = row.truncate(width, pad=True)
        return row.stylize("on $primary 20%") if chosen else row
