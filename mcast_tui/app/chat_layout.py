"""How lines of conversation become rows of a given width. Pure: lines in, rows out.

What was said is safe already (`services.chat.Line`), why it could not be said is made so here: it may
name an interface. Rows carry plain text and the name of a style, and the widget makes contents of those
on screen.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from mcast_tui.app.fit import MUTED
from mcast_tui.errors import describe_errno
from mcast_tui.safe import safe_text
from mcast_tui.services.chat import LineState
from mcast_tui.wire.address import address_and_port
from mcast_tui.wire.columns import Addressed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.chat import Line
    from mcast_tui.wire.literal import Address

TIME_WIDTH = 6
SENDER_MOST = 22
SENDER_STEPS = (9, 15, SENDER_MOST)
"""The widths a sender's column may have. Few, since every line is laid out again when it grows."""
SENDER_LEAST = 15
"""Cells a sender may always have: an IPv4 address."""
STATE_WIDTH = 10
NARROW = 48
"""Below this many cells the sender has a row of his own."""
ESCAPES_NOTE = "escapes shown, not run"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the conversation; the first of a line has its time, sender and state."""

    text: str
    style: str = ""
    line: Line | None = None
    """Set on the first row of a line."""
    heads: bool = False
    """The sender stands alone on this row, for want of room."""
    number: int = 0
    """Which line it belongs to, counted since the pane began."""


@dataclass(frozen=True, slots=True)
class Measures:
    """The columns of one conversation at one width."""

    width: int
    sender: int

    @property
    def is_narrow(self) -> bool:
        return self.width < NARROW

    @property
    def indent(self) -> int:
        """Cells before the text."""
        return 2 if self.is_narrow else TIME_WIDTH + self.sender + 1

    def text(self, *, own: bool) -> int:
        """Cells for the text; a line of ours leaves room for its state at the right end."""
        return max(4, self.width - self.indent - (STATE_WIDTH if own and not self.is_narrow else 0))


def measure(lines: Sequence[Line], width: int) -> Measures:
    """Return columns that suit the senders of these lines; the sender's is one of `SENDER_STEPS`."""
    longest = max((len(sender_of(line)) for line in lines), default=0)
    most = min(SENDER_MOST, max(SENDER_LEAST, width // 4))
    step = next((step for step in SENDER_STEPS if step >= longest), SENDER_MOST)
    return Measures(width, min(most, step) + 1)


def sender_of(line: Line) -> str:
    """Return who said it: ``you``, or his address, with the port only where it is not the group's."""
    if line.own or line.source is None:
        return "you"
    if line.source_port in {None, line.destination_port}:  # None: raw IP
        return _short(line.source)
    return f"{_short(line.source)}:{line.source_port}"


def _short(address: Address) -> str:
    """Return an address in at most 22 cells; of a long IPv6 address both ends are kept."""
    text = str(address)
    return text if len(text) <= SENDER_MOST else f"{text[:9]}..{text[-10:]}"


def clock(at: int) -> str:
    """Return ns since the epoch as the hour and minute here."""
    return time.strftime("%H:%M", time.localtime(at // 1_000_000_000))


def label_of(line: Line) -> str:
    """Return how it was addressed, where that is not to a group; empty for multicast."""
    if line.addressed is Addressed.BROADCAST:
        return "broadcast"
    if line.addressed is Addressed.UNICAST:
        if line.own and line.destination is not None:
            return f"to {_place(line)} only"
        return "to you only"
    if line.is_aside:
        return f"to {_place(line)}"
    return ""


def _place(line: Line) -> str:
    """Return where a line went, with its port or raw protocol."""
    return address_and_port(str(line.destination), line.destination_port, line.protocol)


def rows_of(line: Line, number: int, measures: Measures, glyphs: Glyphs) -> Iterator[Row]:
    """Yield the rows of one line."""
    label = label_of(line)
    text = f"[{label}] {line.text}" if label else line.text
    style = "" if line.is_text else f"{MUTED} italic"
    room = measures.text(own=line.own)
    parts = wrap(text, room)
    first: Line | None = line
    if measures.is_narrow:
        yield Row("", line=line, heads=True, number=number)
        first = None
    for position, part in enumerate(parts):
        yield Row(part, style, line=first if position == 0 else None, number=number)
    if line.altered:
        yield Row(f"{glyphs.warning} {ESCAPES_NOTE}", "$warning", number=number)
    if line.state is LineState.FAILED:
        for part in wrap(f"{glyphs.failed} not sent: {why_failed(line)}", room):
            yield Row(part, "$error", number=number)


def why_failed(line: Line) -> str:
    """Return the kernel's reason, with the name of its error number."""
    if line.error is None:
        return "no reason is known"
    reason = safe_text(line.error.reason)
    if line.error.errno is None:
        return reason
    named = describe_errno(line.error.errno)
    return named if reason in named else f"{reason}: {named}"


def state_of(line: Line, glyphs: Glyphs) -> tuple[str, str]:
    """Return (words, style) for how far a line of ours came; empty for those of others."""
    match line.state:
        case LineState.SENDING:
            return f"{glyphs.ellipsis} sending", MUTED
        case LineState.SENT:
            return "sent", MUTED
        case LineState.HEARD:
            return f"{glyphs.ok} looped", "$success"
        case LineState.FAILED:
            return f"{glyphs.failed} failed", "bold $error"
        case LineState.RECEIVED:
            return "", ""


def wrap(text: str, width: int) -> list[str]:
    """Break a text into parts of at most `width` cells, between words where there are any."""
    if cell_len(text) <= width:
        return [text]
    parts: list[str] = []
    part, used = "", 0
    for word in _pieces(text, width):
        cells = cell_len(word)
        if used + cells > width and part:
            parts.append(part.rstrip(" "))
            part, used = "", 0
            if word == " ":
                continue
        part += word
        used += cells
    return [*parts, part]


def _pieces(text: str, width: int) -> Iterator[str]:
    """Yield words and single spaces; a word wider than a row comes in pieces that fit."""
    for position, word in enumerate(text.split(" ")):
        if position:
            yield " "
        if cell_len(word) <= width:
            yield word
            continue
        piece, used = "", 0
        for character in word:
            cells = cell_len(character)
            if used + cells > width:
                yield piece
                piece, used = "", 0
            piece += character
            used += cells
        yield piece
