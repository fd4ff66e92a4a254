"""The smallest Textual app that shows something: what a first frame costs without us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import App
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult


class MinimalApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("first-frame")


if __name__ == "__main__":
    MinimalApp().run()
