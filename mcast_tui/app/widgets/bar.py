"""A one-line row of things to click: the tabs and the footer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.events import Click
    from textual.geometry import Size


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of a bar; `action` is empty for a piece that only informs."""

    content: Content
    action: str = ""

    def is_same(self, other: Item) -> bool:
        """Tell whether it looks and acts the same; contents compare equal by their text alone."""
        return self.action == other.action and self.content.is_same(other.content)


class Bar(Widget):
    """Draws items side by side, leaves out those that do not fit, and says which was clicked."""

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; }
    """

    class ItemClicked(Message):
        """Somebody clicked an item that has an action."""

        def __init__(self, bar: Bar, action: str) -> None:
            super().__init__()
            self.bar = bar
            self.action = action

        @property
        def control(self) -> Bar:
            return self.bar

    def __init__(self, *, id: str | None = None, gap: int = 2) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._items: tuple[Item, ...] = ()
        self._gap = gap

    @property
    def items(self) -> tuple[Item, ...]:
        return self._items

    def show(self, items: Sequence[Item]) -> None:
        """Draw these items from now on; costs nothing when they are what is drawn already."""
        if len(items) == len(self._items) and all(map(Item.is_same, items, self._items)):
            return
        self._items = tuple(items)
        self.refresh(layout=self.styles.is_auto_width)

    def width_of(self, items: Sequence[Item]) -> int:
        """Return the cells these items take side by side."""
        return sum(item.content.cell_length for item in items) + self._gap * max(0, len(items) - 1)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        del container, viewport
        return self.width_of(self._items)

    def render(self) -> Content:
        line = Content()
        for start, _end, item in self._place(self.size.width):
            line = line.append(" " * (start - line.cell_length)).append(item.content)
        return line

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for start, end, item in self._place(self.size.width):
            if start <= offset.x < end and item.action:
                self.post_message(self.ItemClicked(self, item.action))

    def _place(self, width: int) -> list[tuple[int, int, Item]]:
        """Return (first cell, cell after the last, item) for the items that fit `width`."""
        placed: list[tuple[int, int, Item]] = []
        start = 0
        for item in self._items:
            end = start + item.content.cell_length
            if end > width:
                break
            placed.append((start, end, item))
            start = end + self._gap
        return placed
