"""One entry of the timeline as a line of a given width. Pure: an entry in, styled text out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import MUTED, cut, shorten
from mcast_tui.safe import clamp_cells, safe_text
from mcast_tui.services.membership.facts import What

if TYPE_CHECKING:
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.membership.facts import TimelineEntry

STYLES = {
    What.JOIN: "$primary",
    What.LEAVE: "$primary",
    What.FILTER: "$primary",
    What.HEALED: "$success",
    What.ALARM: "bold $warning",
}
NARROW = 72
"""Below so many cells there are no milliseconds, and the address of who did it is left to the detail."""
WIDE = 100
"""From so many cells on the interface has a column of its own."""


def clock(at: int, *, milliseconds: bool = True) -> str:
    """Return the local time of `at`, ns since the epoch: ``12:34:40.102``."""
    text = time.strftime("%H:%M:%S", time.localtime(at // 10**9))
    return f"{text}.{at // 10**6 % 1000:03}" if milliseconds else text


def entry_line(entry: TimelineEntry, width: int, glyphs: Glyphs) -> Content:
    """Return one entry as a line; where it comes from stands at the end, where there is room."""
    mark, mark_style = (glyphs.seen, "$success") if entry.is_seen else (glyphs.inferred, "$warning")
    sign = f"{glyphs.warning} " if entry.what is What.ALARM else ""
    interface = clamp_cells(safe_text(entry.interface), 10) if entry.interface else ""
    group_cells = 15 if width < NARROW else 18 if width < WIDE else 26
    place = shorten(str(entry.group), group_cells, glyphs.ellipsis) if entry.group else interface
    is_wide = width >= WIDE
    pieces = [
        (f"{clock(entry.at, milliseconds=width >= NARROW)} ", MUTED),
        (f"{mark} ", mark_style),
        (f"{sign}{entry.what.value:<{8 - len(sign)}}", STYLES.get(entry.what, "")),
        (f"{place:<{group_cells}} ", "bold"),
    ]
    if is_wide:
        pieces.append((f"{interface if entry.group else '':<10} ", MUTED))
    if width >= NARROW:
        pieces.append((f"{shorten(entry.who, 15, glyphs.ellipsis):<15} ", ""))
    line = Content.assemble(*pieces, safe_text(entry.text))
    origin = f"  {safe_text(entry.origin)}"
    if line.cell_length + len(origin) <= width:
        line = line.append(Content.styled(origin, MUTED))
    return cut(line, width, glyphs.ellipsis)
