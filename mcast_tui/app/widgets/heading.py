"""A heading over a list: a title at the left, a few words at the right."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from mcast_tui.app.fit import shorten


class Heading(Widget):
    """One quiet line above what it names."""

    DEFAULT_CSS = """
    Heading { height: 1; width: 1fr; color: $text-muted; }
    """

    def __init__(self, title: str, *, ellipsis: str = "", **place: str) -> None:
        """Where `ellipsis` is given a title that is too long is shortened in its middle by it."""
        super().__init__(id=place.get("id"), classes=place.get("classes"))
        self._ellipsis = ellipsis
        self._title = title
        self._aside = ""

    def show(self, title: str, aside: str = "") -> None:
        if (title, aside) != (self._title, self._aside):
            self._title, self._aside = title, aside
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        room = max(0, width - len(self._aside))
        most = max(0, room - 1) if self._aside.strip() else room  # the aside must not look like a part of it
        text = shorten(self._title, most, self._ellipsis) if self._ellipsis and most else self._title
        title = Content.styled(text, "bold").truncate(most).truncate(room, pad=True)
        return Content.assemble(title, self._aside)
