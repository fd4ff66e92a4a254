"""Without colour: what NO_COLOR (no-color.org) asks for, and Textual's shades of grey are not."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

if TYPE_CHECKING:
    from collections.abc import Callable

REVERSE: Final = Style(reverse=True)


class Colourless(LineFilter):
    """Takes every colour away; what its ground set apart from the rest is reversed instead."""

    def __init__(self, is_dark: Callable[[], bool]) -> None:
        super().__init__()
        self._is_dark = is_dark

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        is_dark = self._is_dark()
        return [
            Segment(text, style and without_colour(style, is_dark=is_dark), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def without_colour(style: Style, *, is_dark: bool) -> Style:
    """Return a style without its colours, reversed where they were the other way round than the theme's."""
    plain = style.without_color
    if style.color is None or style.bgcolor is None or style.reverse:
        return plain
    text, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    is_dark_on_light = text.brightness < ground.brightness
    return plain + REVERSE if is_dark_on_light is is_dark else plain
