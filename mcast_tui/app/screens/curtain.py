"""What is on screen while the rest of the app is being loaded."""

from __future__ import annotations

from textual.content import Content
from textual.screen import Screen


class Curtain(Screen[None]):
    """The first frame. It imports nothing that takes time, so it is there at once."""

    DEFAULT_CSS = """
    Curtain { background: $background; }
    """

    def render(self) -> Content:
        return Content.assemble(
            (" mcast-tui ", "bold $background on $primary"), ("  opening", "$foreground 60%")
        )
