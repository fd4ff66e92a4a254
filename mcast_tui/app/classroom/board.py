"""The picture as a widget: drawn when it has changed; a click on a host selects it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mcast_tui.app.classroom.board_paint import Board, paint_board

if TYPE_CHECKING:
    from textual.events import Click

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.scene import Scene


class BoardView(Widget):
    """Draws the scene it is given last."""

    class HostClicked(Message):
        """Somebody clicked a host."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(id="board")
        self._glyphs = glyphs
        self._scene: Scene | None = None
        self._board = Board([], {})

    def show(self, scene: Scene | None) -> None:
        """Draw this; None is a LAN that is being built."""
        self._scene = scene
        self.refresh()

    def render(self) -> Content:
        if self._scene is None:
            self._board = Board([], {})
            return Content("No LAN: it is being built, or b builds one.")
        self._board = paint_board(self._scene, self.size.width, self.size.height, self._glyphs)
        return Content("\n").join(self._board.rows)

    def on_click(self, event: Click) -> None:
        offset = event.get_content_offset(self)
        number = None if offset is None else self._board.host_at(offset.x, offset.y)
        if number is not None:
            self.post_message(self.HostClicked(number))
