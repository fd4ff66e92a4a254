"""A heading over a list: a title at the left, a few words at the right."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget


class Heading(Widget):
    """One quiet line above what it names."""

    DEFAULT_CSS = """
    Heading { height: 1; width: 1fr; color: $text-muted; }
    """

    def __init__(self, title: str, **place: str) -> None:
        super().__init__(id=place.get("id"), classes=place.get("classes"))
        self._title = title
        self._aside = ""

    def show(self, title: str, aside: str = "") -> None:
        if (title, aside) != (self._title, self._aside):
            self._title, self._aside = title, aside
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        title = Content.styled(self._title, "bold").truncate(max(0, width - len(self._aside)), pad=True)
        return Content.assemble(title, self._aside)
