"""The colours of a log line: a `Line` of text and what it means, to styled segments.

Few segments a line, since each costs more than formatting the text in it. Every style is made
once per theme; nothing here depends on what a packet contains but by its own columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from rich.segment import Segment
from rich.style import Style

from mcast_tui.app.palette import ON_DARK, ON_LIGHT, source_hue
from mcast_tui.safe import NAMED
from mcast_tui.wire.columns import Addressed, Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.app.widgets.packet_log import PacketLog
    from mcast_tui.app.widgets.packet_row import Line, Row

_REFUSED = int(Flag.REFUSED)  # a plain integer: `&` of an IntFlag makes an object

BOLD: Final = Style(bold=True)
REVERSE: Final = Style(reverse=True, bold=True)
OVERWRITTEN: Final = "(overwritten: the ring is full)"


class PacketPaint:
    """The styles of one log under the theme of now."""

    CLASSES: ClassVar[set[str]] = {
        "packet-log--quiet",
        "packet-log--cursor",
        "packet-log--note",
        "packet-log--broadcast",
        "packet-log--unicast",
        "packet-log--refused",
    }
    CSS: ClassVar[str] = """
    PacketLog { background: $surface; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    PacketLog > .packet-log--quiet { color: $foreground 60%; }
    PacketLog > .packet-log--cursor { background: $primary 35%; text-style: bold; }
    PacketLog > .packet-log--note { color: $foreground 60%; text-style: italic; }
    PacketLog > .packet-log--broadcast { color: $warning; }
    PacketLog > .packet-log--unicast { color: $primary; }
    PacketLog > .packet-log--refused { color: $error; }
    """

    def __init__(self, log: PacketLog) -> None:
        self.base = log.rich_style
        self.glyphs = log.glyphs

        def style(name: str) -> Style:
            return log.get_component_rich_style(f"packet-log--{name}")

        self.quiet, self.note, self.refused = style("quiet"), style("note"), style("refused")
        kinds = {Addressed.BROADCAST: style("broadcast"), Addressed.UNICAST: style("unicast")}
        self.kinds = {int(kind): painted for kind, painted in kinds.items()}
        colors = ON_DARK if log.app.current_theme.dark else ON_LIGHT
        self.sources = [self.base + Style(color=color) for color in colors]
        # Without colour a tinted background may not show at all: reverse always does.
        self.cursor = self.base + REVERSE if log.app.no_color else style("cursor")

    def row(self, row: Row, line: Line, *, is_cursor: bool) -> list[Segment]:
        """Style one packet: own ones bold, refused ones in one colour, the one under the cursor as a bar."""
        if is_cursor:
            return [Segment(self.glyphs.cursor + "".join(line[:4])[1:], self.cursor)]
        if row.flags & _REFUSED:
            return [Segment("".join(line[:4]), self.refused)]
        kind = self.kinds.get(row.addressed)
        source = self.sources[source_hue(row.source_high, row.source_low)]
        if kind is None and line.info_is_wire_text and not row.is_sent_here and "<" not in line.info:
            # Nearly every packet: three segments, and no style to be put together.
            return [
                Segment(line.left, self.quiet),
                Segment(line.source, source),
                Segment(line.facts + line.info, self.base),
            ]
        extra = BOLD if row.is_sent_here else Style.null()
        info = self.base if line.info_is_wire_text else self.note
        return [
            Segment(line.left, self.quiet + extra),
            Segment(line.source, source + extra),
            Segment(line.facts, (kind or self.base) + extra),
            *self._info(row, line, info + extra),
        ]

    def _info(self, row: Row, line: Line, style: Style) -> list[Segment]:
        """Style the Info column; the name of an unsafe character is reversed, so that it is no text."""
        if "<" not in line.info or not row.payload or row.payload.isascii():
            return [Segment(line.info, style)]
        segments, at = [], 0
        for name in NAMED.finditer(line.info):
            segments.append(Segment(line.info[at : name.start()], style))
            segments.append(Segment(name[0], style + Style(reverse=True)))
            at = name.end()
        return [*segments, Segment(line.info[at:], style)]

    def overwritten(self, number: int | None, width: int, *, is_cursor: bool) -> list[Segment]:
        """Style a line whose packet the ring no longer has."""
        text = f" {OVERWRITTEN}" if number is None else f" {number + 1}  {OVERWRITTEN}"
        return [Segment(text[:width].ljust(width), self.cursor if is_cursor else self.note)]

    def blank(self, width: int) -> list[Segment]:
        """Style a line below the newest packet."""
        return [Segment(" " * width, self.base)]

    def empty(self, text: Sequence[str], y: int, width: int, height: int) -> list[Segment]:
        """Style row `y` of a log without lines: `text`, our own words, in the middle."""
        line = y - max(0, (height - len(text)) // 2)
        words = text[line] if 0 <= line < len(text) else ""
        return [Segment(words[:width].center(width), self.note)]
