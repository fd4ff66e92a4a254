"""The text field of the composer: one line, kept printable, with history and completion by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from unicodedata import category

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from mcast_tui.safe import MAX_MARKS, safe_text
from mcast_tui.services.target import lines_of

if TYPE_CHECKING:
    from textual.events import Key, Paste

LONGEST_LINE = 100_000
"""Characters the field takes: more than any datagram, few enough to draw at once."""


class LineInput(Input):
    """Says what the person wants of his line; what becomes of it is the composer's affair.

    A terminal obeys control characters wherever they are drawn, so a paste is taken apart
    before it gets here: what could act is left out, and the app is told how much.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Older line", id="input.older"),
        Binding("down", "step(1)", "Newer line", id="input.newer"),
        Binding("tab", "complete(1)", "Complete", id="input.complete"),
        Binding("shift+tab", "complete(-1)", "Complete backwards", show=False, id="input.complete_back"),
        Binding("ctrl+r", "search", "Search history", id="input.search"),
        Binding("escape", "escape", "Back", id="input.escape"),
    ]
    submissions = 0
    """Lines given away so far."""
    HELP = "Type a line and press Enter to send it. A slash begins a command, two slashes a text with one."

    class Stepped(Message):
        """Up or down."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class CompleteWanted(Message):
        """Tab or shift+tab."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class SearchWanted(Message):
        """The person looks for a line he typed before."""

    class Escaped(Message):
        """The person wants out of whatever he is in."""

    class Pasted(Message):
        """A paste that is not one plain line; the field took nothing of it."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class CleanedUp(Message):
        """Characters of a paste that act instead of showing were left out."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    def on_paste(self, event: Paste) -> None:
        event.prevent_default()
        event.stop()
        text = event.text.rstrip("\r\n")
        if len(lines_of(text)) > 1 or len(text) > LONGEST_LINE:
            self.post_message(self.Pasted(event.text))
            return
        plain = printable(text)
        if len(plain) != len(text):
            self.post_message(self.CleanedUp(len(text) - len(plain)))
        self.replace(plain, *self.selection)

    def action_step(self, step: int) -> None:
        self.post_message(self.Stepped(step))

    def action_complete(self, step: int) -> None:
        self.post_message(self.CompleteWanted(step))

    def action_search(self) -> None:
        self.post_message(self.SearchWanted())

    def action_escape(self) -> None:
        self.post_message(self.Escaped())

    async def on_key(self, event: Key) -> None:
        """Obey our keys in their turn: Textual would look them up after the letters that follow them."""
        active = None if event.is_printable else self.screen.active_bindings.get(event.key)
        if active is not None and active.node is self and active.enabled:
            event.prevent_default()
            event.stop()
            await self.run_action(active.binding.action)

    def action_delete_left_all(self) -> None:
        """Delete what stands left of the cursor, as a shell does; of a selection, up to its end."""
        self.delete(0, max(self.selection))

    async def action_submit(self) -> None:
        """Give the line away at once: what is typed before it is obeyed belongs to the next one."""
        self.submissions += 1
        await super().action_submit()
        self.value = ""

    async def action_copy(self) -> None:  # type: ignore[override]  # Textual awaits either kind
        """Copy the selection; without one ctrl+c means what it means everywhere."""
        if self.selection.is_empty:
            await self.run_action("app.interrupt")
        else:
            super().action_copy()


def printable(text: str) -> str:
    """Return `text` without the characters `safe` would not let through as they are.

    A tab becomes a space: it is what the person sees. Of marks piled on a letter a few are kept.
    """
    kept, marks = [], 0
    for character in text.replace("\t", " "):
        marks = marks + 1 if category(character).startswith("M") else 0
        if marks <= MAX_MARKS and safe_text(f"a{character}") == f"a{character}":
            kept.append(character)
    return "".join(kept)
