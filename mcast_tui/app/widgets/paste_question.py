"""What is asked before several pasted lines are sent."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mcast_tui import human
from mcast_tui.app.fit import MUTED
from mcast_tui.net.sender import LONGEST_PAYLOAD
from mcast_tui.services.target import MOST_LINES, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.events import Key

    from mcast_tui.services.target import Target

ANSWERS = {"y": "lines", "o": "one", "n": "no", "escape": "no"}
"""What a key answers."""


class PasteQuestion(Static, can_focus=True):
    """Holds the pasted text until it is answered; nothing was sent before that."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer('lines')", "Send each line", id="paste.lines"),
        Binding("o", "answer('one')", "One datagram", id="paste.one"),
        Binding("n,escape", "answer('no')", "Send nothing", id="paste.no"),
    ]
    HELP = "You pasted several lines. y sends each as its own datagram, o all of them in one, n nothing."

    class Answer(Enum):
        LINES = "lines"
        ONE = "one"
        NO = "no"

    class Answered(Message):
        """What is to become of the text."""

        def __init__(self, answer: PasteQuestion.Answer, text: str) -> None:
            super().__init__()
            self.answer = answer
            self.text = text

    def __init__(self, type_on: Callable[[str], None]) -> None:
        """`type_on` is given what was typed after the answer, while the question still had the keys."""
        super().__init__(id="paste-question", markup=False)
        self._type_on = type_on
        self._text = ""
        self._fits_one = self._are_sendable = False

    def ask(self, text: str, target: Target | None) -> None:
        """Show the question about this text; only what is possible is offered."""
        self._text = text
        count = len(lines_of(text))
        length = len(text.encode(errors="replace"))
        largest = target.largest if target else min(LONGEST_PAYLOAD.values())
        self._fits_one = length <= largest
        self._are_sendable = count <= MOST_LINES
        asked = f" Send {human.format_count(count)} datagrams? "
        if not self._are_sendable:
            most = human.format_count(MOST_LINES)
            asked = f" {human.format_count(count)} lines; at most {most} are sent one by one. "
        each = Content.assemble(("y", "bold $primary"), " yes  ") if self._are_sendable else Content()
        one = Content.assemble(("o", "bold $primary"), " one datagram  ") if self._fits_one else Content()
        self.update(
            Content.assemble(
                (asked, "bold"),
                each,
                one,
                ("n", "bold $primary"),
                " no  ",
                (f"{human.format_count(length)} bytes pasted", MUTED),
            )
        )

    def on_key(self, event: Key) -> None:
        """Take the answer at once: what a binding does comes after the keys that wait here already."""
        answer = ANSWERS.get(event.key)
        if not self._text:
            event.stop()
            if event.is_printable and event.character:
                self._type_on(event.character)
        elif answer is not None and self.check_action("answer", (answer,)):
            event.stop()
            self.action_answer(answer)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        possible = {"one": self._fits_one, "lines": self._are_sendable}
        return possible.get(str(*parameters), True) if action == "answer" else True

    def action_answer(self, answer: str) -> None:
        text, self._text = self._text, ""
        if text:
            self.post_message(self.Answered(self.Answer(answer), text))
