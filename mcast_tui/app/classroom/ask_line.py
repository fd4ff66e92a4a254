"""The line at the bottom that asks: which group, how fast, how many percent.

It asks one thing at a time and reads no answer itself: it says `Answered`, and whoever obeys
calls `close`, or `give_back` when it could not be done, so that nothing typed is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.widgets.input import Selection

from mcast_tui.app.widgets.line_input import LineInput
from mcast_tui.services.completion import Candidate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult
    from textual.events import Key
    from textual.widgets import Input

    from mcast_tui.app.widgets.suggestions import Suggestions


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to be asked."""

    asks: str
    """What it is about: ``host2 joins``."""
    hint: str
    """How an answer is written."""
    start: str
    """What stands in the field at first, to be taken by Enter or typed over."""
    candidates: Sequence[tuple[str, str]]
    """What one could mean, best first, each with a few words."""
    answer: Callable[[str], Awaitable[None]]
    """Does what was answered; raises McastError when it cannot be done."""


class AnswerInput(LineInput):
    """The field for an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Another answer", id="answer.before"),
        Binding("down", "step(1)", "Another answer", id="answer.other"),
    ]
    HELP = "Type an answer and press Enter; Tab or an arrow writes what could be meant, Escape asks no more."

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual calls it so
        """Nothing is searched here: answers have no history."""
        return action != "search"


class AskLine(Horizontal):
    """A chip that says what is asked, and the field; hidden while nothing is."""

    class Answered(Message):
        """Enter was pressed on this answer."""

        def __init__(self, question: Question, text: str) -> None:
            super().__init__()
            self.question = question
            self.text = text

    class Closed(Message):
        """The person does not want to answer."""

    def __init__(self, suggestions: Suggestions) -> None:
        super().__init__(id="ask")
        self.input = AnswerInput(id="answer", compact=True, select_on_focus=False)
        self._chip = Static(id="asked", markup=False)
        self._hint = Static(id="hint", markup=False)
        self._suggestions = suggestions
        self._question: Question | None = None
        self._chosen: int | None = None
        self._found: tuple[Candidate, ...] = ()
        self._writing = False

    def compose(self) -> ComposeResult:
        yield self._chip
        yield self.input
        yield self._hint

    @property
    def is_open(self) -> bool:
        return self._question is not None

    def ask(self, question: Question) -> None:
        """Open with this question; an earlier one is forgotten."""
        self._question = question
        self._chip.update(Content(f" {question.asks} "))
        self._hint.update(Content(f" {question.hint} "))
        self.add_class("-asking")
        self._write(question.start)
        self.input.selection = Selection(0, len(question.start))
        self._suggest("")
        offered = [candidate.text for candidate in self._found]
        self._chosen = offered.index(question.start) if question.start in offered else None
        self.screen.call_later(
            self.screen.set_focus, self.input
        )  # after the keys that wait: `take_key` has them

    @property
    def takes_keys(self) -> bool:
        """Whether a key is for `take_key`: a question is open, and the field has not got the focus yet."""
        return self.is_open and not self.input.has_focus

    async def take_key(self, event: Key) -> None:
        """Take a key that was pressed before the field got the focus, as the field would."""
        event.stop()
        event.prevent_default()
        if event.is_printable and event.character:
            self.input.replace(event.character, *sorted(self.input.selection))
        elif event.key == "enter":
            await self.input.action_submit()
        elif event.key == "escape":
            self.input.action_escape()

    def give_back(self, question: Question, text: str, column: int | None = None) -> None:
        """Put an answer back that could not be obeyed, unless another is being typed."""
        if self._question is question and not self.input.value:
            self._write(text)
            self.input.cursor_position = len(text) if column is None else column

    def close(self, question: Question | None = None) -> None:
        """Ask nothing any more; with a question, only if it is still that."""
        if question is None or self._question is question:
            self._question = None
            self._suggestions.show(())
            self.remove_class("-asking")

    def _write(self, text: str) -> None:
        self._writing = text != self.input.value
        self.input.value = text
        self.input.cursor_position = len(text)

    def _suggest(self, begun: str) -> None:
        assert self._question is not None
        known = self._question.candidates
        fitting = [(text, about) for text, about in known if text.startswith(begun) and text != begun]
        self._found = tuple(Candidate(text, text, about) for text, about in fitting)
        self._chosen = None
        self._suggestions.show(self._found)

    @on(LineInput.Changed)
    def follow_typing(self, event: Input.Changed) -> None:
        event.stop()
        if self._writing or self._question is None:
            self._writing = False
        else:
            self._suggest(event.value)

    @on(LineInput.CompleteWanted)
    def complete_answer(self, event: LineInput.CompleteWanted) -> None:
        event.stop()
        self._step(event.step)

    @on(LineInput.Stepped)
    def choose_answer(self, event: LineInput.Stepped) -> None:
        event.stop()
        self._step(event.step)

    def _step(self, step: int) -> None:
        """Write the next of what could be meant."""
        if self._found:
            before = -1 if self._chosen is None and step > 0 else self._chosen or 0
            self._chosen = (before + step) % len(self._found)
            self._suggestions.show(self._found, self._chosen)
            self._write(self._found[self._chosen].text)

    @on(LineInput.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        event.stop()
        if self._question is not None:
            self.post_message(self.Answered(self._question, event.value.strip()))

    @on(LineInput.Escaped)
    def leave(self, event: LineInput.Escaped) -> None:
        event.stop()
        self.close()
        self.post_message(self.Closed())

    @on(LineInput.Pasted)
    def refuse_paste(self, event: LineInput.Pasted) -> None:
        event.stop()
        self.app.notify("Only one line can be pasted here.", severity="warning")

    @on(LineInput.CleanedUp)
    def say_cleaned(self, event: LineInput.CleanedUp) -> None:
        event.stop()
        self.app.notify(f"{event.count} characters of the paste were left out: they do not show.")
