"""The Chat screen's centre: who said what in the selected group, and what that is worth.

Like the packets pane it is mounted by the frame and told what to show; it reads a
`services.chat.Pane` and owns nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from mcast_tui import human
from mcast_tui.app.widgets.chat_view import ChatView
from mcast_tui.app.widgets.heading import Heading

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.chat import Pane

FORGEABLE = "Anyone on this LAN can read and forge these messages."


class ChatPane(Vertical):
    """Heading, conversation, the pill that leads back to its end, and an empty state that helps."""

    DEFAULT_CSS = Path(__file__).with_name("chat.tcss").read_text(encoding="utf-8")

    def __init__(self, glyphs: Glyphs, *, id: str) -> None:  # noqa: A002  # Textual's own word
        super().__init__(id=id)
        self._glyphs = glyphs
        self._pane: Pane | None = None
        self._title = ""
        self._empty: Content = Content()
        self._skipped = -1
        self._hint_given = False
        self.view = ChatView(glyphs)
        self._heading = Heading("CHAT", classes="chat-heading")
        self._nothing = Static(markup=False, classes="chat-empty")
        self._hint = Static(Content(f" {FORGEABLE}"), classes="chat-hint")
        self._pill = Pill(classes="chat-pill")

    def compose(self) -> ComposeResult:
        yield self._heading
        yield self._nothing
        yield self.view
        yield self._pill
        yield self._hint

    def show(self, pane: Pane | None, title: str, empty: Content, hidden_before: int = 0) -> None:
        """Show this conversation; `empty` is said while there is nothing in it."""
        self._pane, self._title, self._empty = pane, title, empty
        self._skipped = -1
        self._nothing.update(empty)
        self.view.show(pane, hidden_before=hidden_before)
        self.tick()

    def tick(self) -> None:
        """Draw what came; cheap when nothing did."""
        self.view.update_lines()
        self._show_emptiness()
        skipped = self._pane.skipped if self._pane else 0
        if skipped != self._skipped:
            self._skipped = skipped
            aside = f"{human.format_count(skipped)} skipped: too fast to read; see Packets" if skipped else ""
            self._heading.show(self._title, aside)

    def show_empty(self, empty: Content) -> None:
        """Say this while there is nothing in it."""
        if not empty.is_same(self._empty):
            self._empty = empty
            self._nothing.update(empty)

    def _show_emptiness(self) -> None:
        if self._nothing.display != self.view.is_empty:
            self._nothing.display = self.view.is_empty

    def give_hint_once(self) -> None:
        """Take the hint away: with his first line the person has read it, or never will."""
        self._hint.display = False

    @on(ChatView.FollowChanged)
    def show_pill(self, event: ChatView.FollowChanged) -> None:
        event.stop()
        if event.following:
            self._pill.display = False
            return
        count = human.format_count(event.pending)
        words = f"{count} new line{'' if event.pending == 1 else 's'}" if event.pending else "Scrolled back"
        self._pill.update(Content(f" {self._glyphs.down} {words} - End to follow "))
        self._pill.display = True

    @on(Click, ".chat-pill")
    def follow(self) -> None:
        self.view.action_follow()


class Pill(Static):
    """A word over the conversation that can be clicked."""
