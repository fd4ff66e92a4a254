"""The last notices in one line each, for screens wide enough to keep them in view."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import MUTED, cut
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.safe import safe_text
from mcast_tui.services.notice import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.notice import Notice


class EventList(Rows):
    """Newest first."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="events")
        self._glyphs = glyphs
        self._notices: Sequence[Notice] = ()

    def show(self, notices: Sequence[Notice]) -> None:
        self._notices = notices[::-1]
        self.set_row_count(len(notices))

    def row(self, y: int) -> Content:
        return event_line(self._notices[y], self.row_width, self._glyphs)


def event_line(notice: Notice, width: int, glyphs: Glyphs) -> Content:
    """Return a notice in one line of `width` cells, with its time."""
    mark, style = {
        Level.DONE: (glyphs.ok, "$success"),
        Level.WARNING: (glyphs.warning, "$warning"),
        Level.ERROR: (glyphs.failed, "$error"),
    }[notice.level]
    clock = time.strftime("%H:%M:%S", time.localtime(notice.at))
    line = Content.assemble((f"{clock} ", MUTED), (f"{mark} ", style), safe_text(notice.what))
    return cut(line, width, glyphs.ellipsis)
