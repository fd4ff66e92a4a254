"""The first line: where we are, how much arrives, and what was lost, each loss by its own word.

What is not known is shown as ``-``, never as 0. On a narrow screen the line gives up the
least needed first and the losses last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from mcast_tui import human
from mcast_tui.app.fit import MUTED, Piece, look, sparkline, spread
from mcast_tui.services.monitor import Snapshot

if TYPE_CHECKING:
    from mcast_tui.app.fit import Look
    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.tap.tap import TapCounts

SPARK_WIDTH = 16


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """All the header says."""

    interface: str
    """Name of the interface the selected group is on, or the one a join would use."""
    address: str
    """Its first address; empty when it has none."""
    groups: int
    snapshot: Snapshot = field(default_factory=Snapshot)
    skipped: int | None = None
    """Datagrams the chat made no line of, because they came faster than anybody reads."""
    note: str = ""
    """A word on what this is not: the real network, in the demo."""
    is_tapped: bool = False
    """Whether it is about what a tap sees, and `tap` counts."""
    tap: TapCounts | None = None
    """None: nobody counted."""


WORDS = (
    ("dropped", "drop", "d"),
    ("evicted", "evict", "e"),
    ("refused", "refuse", "r"),
    ("skipped", "skip", "s"),
)
"""The four losses, each by its own word, and shorter ones for narrow screens."""
TAP_WORDS = (WORDS[0], WORDS[2], ("not fed", "unfed", "n"), WORDS[3])
"""Those of a tap."""


def losses(facts: HeaderFacts) -> tuple[tuple[tuple[str, ...], int | None], ...]:
    """Return the four losses, each after its words."""
    snapshot, tap = facts.snapshot, facts.tap
    if not facts.is_tapped:
        numbers = snapshot.dropped, snapshot.evicted, snapshot.refused, facts.skipped
        return tuple(zip(WORDS, numbers, strict=True))
    counts = (tap.dropped, tap.refused, tap.not_fed, tap.control_skipped) if tap else (None,) * 4
    return tuple(zip(TAP_WORDS, counts, strict=True))


class HeaderBar(Widget):
    """Draws `HeaderFacts`."""

    DEFAULT_CSS = """
    HeaderBar { height: 1; width: 1fr; background: $panel; }
    """

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="header")
        self._glyphs = glyphs
        self._facts = HeaderFacts("", "", 0)
        self._on_screen: Look = None

    @property
    def facts(self) -> HeaderFacts:
        return self._facts

    def show(self, facts: HeaderFacts) -> None:
        if facts != self._facts:
            self._facts = facts
            if look(self._line()) != self._on_screen:
                self.refresh()

    def _line(self) -> Content:
        return header_line(self._facts, self.size.width, self._glyphs)

    def render(self) -> Content:
        line = self._line()
        self._on_screen = look(line)
        return line


def header_line(facts: HeaderFacts, width: int, glyphs: Glyphs) -> Content:
    """Return the header for a screen of that width."""
    snapshot = facts.snapshot
    history = snapshot.history
    left = [
        _piece((" mcast-tui ", "bold $background on $primary"), turns=(60,)),
        Piece(
            (
                Content.assemble((facts.interface, "bold"), " ", (facts.address, MUTED)),
                Content.styled(facts.interface, "bold"),
                Content(),
            ),
            (20, 90),
        ),
        _piece((_count(facts.groups, "group"), MUTED), turns=(30,)),
        Piece((_rate(snapshot, " pkt/s"), _rate(snapshot, "/s")), (35,)),
        Piece(
            (_spark(history, SPARK_WIDTH, glyphs), _spark(history, SPARK_WIDTH // 2, glyphs), Content()),
            (40, 55),
        ),
        _piece((_byte_rate(snapshot), MUTED), turns=(10,)),
    ]
    right = [
        _note(facts.note),
        Piece(tuple(_losses(facts, length, glyphs) for length in range(3)), (50, 70)),
    ]
    return spread(left, right, max(0, width - 1))


def _piece(*lengths: tuple[str, str], turns: tuple[int, ...]) -> Piece:
    contents = [Content.styled(text, style) for text, style in lengths]
    return Piece((*contents, Content()), turns)


def _count(number: int, noun: str) -> str:
    return f"{human.format_count(number)} {noun}{'' if number == 1 else 's'}"


def _rate(snapshot: Snapshot, unit: str) -> Content:
    return Content.styled(f"{human.format_compact(snapshot.packets_per_s):>6}{unit}", "bold")


def _byte_rate(snapshot: Snapshot) -> str:
    return f"{human.format_byte_rate(snapshot.bytes_per_s):<9}"


def _spark(history: tuple[float | None, ...], width: int, glyphs: Glyphs) -> Content:
    return Content.styled(sparkline(history, width, glyphs.spark), "$primary")


def _note(note: str) -> Piece:
    if not note:
        return Piece((Content(),), ())
    return Piece(
        (
            Content.styled(f" {note} ", "$background on $warning"),
            Content.styled(f" {note.split(maxsplit=1)[0].rstrip(',:')} ", "$background on $warning"),
        ),
        (15,),
    )


def _losses(facts: HeaderFacts, length: int, glyphs: Glyphs) -> Content:
    """Return the four counters; `length` chooses among their words."""
    said: list[Content] = []
    for words, number in losses(facts):
        text = human.format_compact(number)
        if number:
            said.append(Content.styled(f"{glyphs.warning}{words[length]} {text}", "bold $warning"))
        else:
            said.append(Content.assemble((f"{words[length]} ", MUTED), text))
    return Content("  " if length == 0 else " ").join(said)
