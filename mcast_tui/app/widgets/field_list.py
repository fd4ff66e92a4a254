"""What is known of one thing, field by field, each with where it comes from; its payload as text below.

A payload of 64 kB costs what is on screen of it. Nothing of it is parsed as markup: lines are
Content objects made of safe text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from textual.content import Content

from mcast_tui.app.fit import MUTED, wrap_words
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.safe import NAMED, cell_width, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.events import Resize

    from mcast_tui.app.palette import Glyphs

UNKNOWN: Final = "unknown"
"""The value of a field of which nobody said anything."""
NAME_CELLS: Final = 14


class Field(NamedTuple):
    """One line of an explanation."""

    name: str
    value: str
    origin: str
    """Who says so, or what it follows from; may be empty."""


class FieldList(Rows, can_focus=True):
    """Fields under a heading, one line each, and the text of a payload below them; long ones are wrapped."""

    ALLOW_SELECT = False

    def __init__(self, glyphs: Glyphs, nothing: Sequence[str] = ()) -> None:
        """`nothing` are lines to show while there is no heading."""
        super().__init__(self.row)
        self._glyphs = glyphs
        self._nothing = nothing
        self._title = ""
        self._fields: Sequence[Field] = ()
        self._payload: bytes | None = None
        self._lines: list[Content] = []
        self._text: list[str] = []

    def show(self, heading: str, fields: Sequence[Field], payload: bytes | None) -> None:
        """Show these fields, then `payload` as text if there is any."""
        self._title, self._fields, self._payload = heading, fields, payload
        self.scroll_to(y=0, animate=False)
        self._lay_out()

    def update_fields(self, fields: Sequence[Field]) -> None:
        """Show what is known by now in place of what was; the place that is read stays in view."""
        self._fields = fields
        self._lay_out()

    def row(self, y: int) -> Content:
        if y < len(self._lines):
            return self._lines[y]
        number = y - len(self._lines)
        return _set_names_apart(f"  {self._text[number]}") if number < len(self._text) else Content()

    def on_resize(self, _event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Wrap everything to the width of now."""
        width = self.row_width
        self._text = []
        if self._title:
            self._lines = [Content.styled(f"{self._glyphs.open} {self._title}", "bold")]
            for field in self._fields:
                self._lines += field_lines(field, width)
            self._lay_out_text(width)
        else:
            self._lines = [Content.styled(line, f"{MUTED} italic") for line in self._nothing]
        self.set_row_count(len(self._lines) + len(self._text))

    def _lay_out_text(self, width: int) -> None:
        if not self._payload:
            return
        is_altered, self._text = text_lines(self._payload, max(1, width - 2))
        note = "  control and other unsafe characters are shown, not run" if is_altered else ""
        heading = Content.styled(f"{self._glyphs.open} Text", "bold")
        self._lines.append(Content.assemble(heading, (note, "$warning")))


def field_lines(field: Field, width: int) -> Iterator[Content]:
    """Yield a field as lines of at most `width` cells: value and origin side by side where they fit."""
    name = f"  {field.name:<{NAME_CELLS - 2}}"
    beside = len(name) + cell_width(field.value) + 2 + len(field.origin)
    if beside <= width:
        yield Content.assemble((name, MUTED), field.value, "  ", (field.origin, MUTED))
        return
    room = max(1, width - NAME_CELLS)
    for number, line in enumerate(wrap_words(field.value, room)):
        yield Content.assemble((name if number == 0 else " " * NAME_CELLS, MUTED), line)
    for line in wrap_words(field.origin, room):
        yield Content.assemble(" " * NAME_CELLS, (line, MUTED))


def text_lines(payload: bytes, cells: int) -> tuple[bool, list[str]]:
    """Return a payload as safe lines of at most `cells` cells, and whether anything had to be replaced."""
    is_altered = False
    lines: list[str] = []
    for line in payload.removesuffix(b"\n").split(b"\n"):
        shown = show(line.removesuffix(b"\r"))
        is_altered = is_altered or shown.altered
        lines += wrap_cells(shown.text, cells)
    return is_altered, lines


def wrap_cells(text: str, cells: int) -> list[str]:
    """Break safe text after every `cells` cells, never within a character."""
    if text.isascii():
        return [text[at : at + cells] for at in range(0, len(text), cells)] or [""]
    lines, line, used = [], "", 0
    for character in text:
        width = cell_width(character)
        if used + width > cells and line:
            lines.append(line)
            line, used = "", 0
        line, used = line + character, used + width
    return [*lines, line]


def _set_names_apart(line: str) -> Content:
    """Return safe text with the names of unsafe characters reversed, so that they look like no letters."""
    content = Content(line)
    for name in NAMED.finditer(line):
        content = content.stylize("reverse", *name.span())
    return content
