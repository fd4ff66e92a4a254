"""Colours and glyphs of the app: the Okabe-Ito tokens, a source's colour, the glyph table, the themes.

Hue is never the only signal: whatever is coloured here also has a glyph or a word. The colour of
a source is a function of its address alone, never of a name, so that an imitator of a nick looks
different, and so that log, peers and chat agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.theme import Theme

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address

SKY = "#56B4E9"
ORANGE = "#E69F00"
GREEN = "#009E73"
YELLOW = "#F0E442"
PURPLE = "#CC79A7"
VERMILION = "#D55E00"

ON_DARK = (SKY, ORANGE, GREEN, YELLOW, PURPLE, VERMILION, "#88CCEE", "#DDCC77")
"""Source colours on a dark surface: Okabe-Ito and two of Tol's muted set, so that neighbours differ."""

ON_LIGHT = ("#0072B2", "#8A5A00", "#00694D", "#6B6000", "#97456F", "#A34700", "#2F6F8F", "#6F5F1F")
"""The same hues darkened until they hold a contrast of 4.5 against white."""


def source_hue(high: int, low: int) -> int:
    """Return the index into `ON_DARK` and `ON_LIGHT` for the source address of these words.

    Hosts that are neighbours on a LAN get different hues: their low words differ by little.
    """
    return (low + (low >> 16) * 7 + high * 5 + (high >> 32) * 3) % len(ON_DARK)


def source_color(address: Address, *, dark: bool = True) -> str:
    """Return the colour of a source address, the same in every widget: ``#RRGGBB``."""
    from mcast_tui.wire.columns import address_words  # brings numpy, which the first frame does not wait for

    return (ON_DARK if dark else ON_LIGHT)[source_hue(*address_words(address))]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One cell each, but for `spark`: eight heights, lowest first."""

    pointer: str
    open: str
    cursor: str
    own: str
    seen: str
    inferred: str
    unread: str
    down: str
    to: str
    ok: str
    warning: str
    failed: str
    ellipsis: str
    rule: str
    dash: str
    middot: str
    spark: str


UNICODE = Glyphs(
    pointer="▸",
    open="▾",
    cursor="▌",
    own="»",
    seen="●",
    inferred="○",
    unread="•",
    down="▼",
    to="→",
    ok="✓",
    warning="▲",
    failed="✗",
    ellipsis="…",
    rule="│",
    dash="─",
    middot="·",
    spark="▁▂▃▄▅▆▇█",
)

ASCII = Glyphs(
    pointer=">",
    open="v",
    cursor="#",
    own=">",
    seen="*",
    inferred="o",
    unread="*",
    down="v",
    to=">",
    ok="+",
    warning="!",
    failed="x",
    ellipsis="~",
    rule="|",
    dash="-",
    middot=".",
    spark="_.:-=+*#",
)


def glyphs(*, ascii_only: bool) -> Glyphs:
    """Return the table for this terminal: `ASCII` under ``--ascii``."""
    return ASCII if ascii_only else UNICODE


DARK = Theme(
    name="mcast-dark",
    primary=SKY,
    secondary=YELLOW,
    accent=PURPLE,
    warning=ORANGE,
    error=VERMILION,
    success=GREEN,
    foreground="#E6EAF0",
    background="#11151C",
    surface="#11151C",
    panel="#1E2630",
)

LIGHT = Theme(
    name="mcast-light",
    primary="#0072B2",
    secondary="#6B6000",
    accent="#97456F",
    warning="#8A5A00",
    error="#A34700",
    success="#00694D",
    foreground="#14181F",
    background="#FFFFFF",
    surface="#FFFFFF",
    panel="#E9EDF2",
    dark=False,
)

CONTRAST = Theme(
    name="mcast-contrast",
    primary="#7FD0FF",
    secondary="#FFF060",
    accent="#FFB0DC",
    warning="#FFC020",
    error="#FF9060",
    success="#40F0B0",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#202020",
)

THEMES = (DARK, LIGHT, CONTRAST)
"""For `App.register_theme`; the first is the default."""
