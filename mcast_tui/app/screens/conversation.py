"""The selected group's conversation on the chat panes that are on screen, and what was cleared from it.

It draws when the `Stage` tells it to; who said what is kept by `services.chat`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcast_tui.app.view_facts import WIRE_HAS_NO_CHAT, chat_emptiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from textual.content import Content

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.screens.chat import ChatPane
    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.desk import Desk
    from mcast_tui.services.node import Node


class Conversation:
    """What the chat panes of one `Stage` show."""

    def __init__(
        self, node: Node, desk: Desk, glyphs: Glyphs, visible: Callable[[], Iterable[ChatPane]]
    ) -> None:
        """`visible` returns the panes that are on screen now."""
        self._node = node
        self._desk = desk
        self._glyphs = glyphs
        self._visible = visible
        self._hidden: dict[int, int] = {}  # group id -> lines before this number are hidden
        self._kernel: Mapping[int, KernelView | None] = {}

    def tick(self) -> None:
        """Draw what was said since the last frame; what is seen of it has been read."""
        for pane in self._visible():
            if pane.view.is_following:
                self._node.chat.mark_read(self._desk.selected_id)
            pane.tick()

    def sample(self, kernel: Mapping[int, KernelView | None]) -> None:
        """Say what the kernel says of the membership now, while nobody has said anything."""
        self._kernel = kernel
        for pane in self._visible():
            if pane.view.is_empty:
                pane.show_empty(self._emptiness())

    def show(self) -> None:
        """Put the selected group's conversation into the panes that are on screen."""
        number, group = self._desk.selected_id, self._desk.selected
        title = f"CHAT {group.label}" if group else "CHAT beside the groups: to and from single hosts"
        if self._desk.is_on_wire:
            title = "CHAT: none on the wire"
        for pane in self._visible():
            lines, hidden = self._node.chat.pane(number), self._hidden.get(number, 0)
            pane.show(lines, title, self._emptiness(), hidden)

    def clear(self, *, undo: bool) -> int:
        """Hide what was said in the selected group, or show it again; return how many lines."""
        number = self._desk.selected_id
        lines = self._node.chat.pane(number)
        if lines is None:
            return 0
        first = lines.added - len(lines.lines)
        hidden = max(0, self._hidden.pop(number, 0) - first)
        if not undo:
            self._hidden[number] = lines.added
        self.show()
        return hidden if undo else len(lines.lines) - hidden

    def forget(self, group_id: int) -> None:
        """A group was left: nothing of it is hidden any more."""
        self._hidden.pop(group_id, None)

    def _emptiness(self) -> Content:
        if self._desk.is_on_wire:
            return WIRE_HAS_NO_CHAT
        return chat_emptiness(self._desk.selected, self._kernel, self._glyphs, time.time())
