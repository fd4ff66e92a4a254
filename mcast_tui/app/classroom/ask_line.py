"""The line at the bottom that asks: which group, how fast, how many percent.

It asks one thing at a time and reads no answer itself: it closes and hands the answer over, and whoever obeys
calls `give_back` when it could not be done, so that nothing typed is lost. Keys typed in one burst are obeyed
in their turn: nothing here waits for a message that comes after them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
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


STEPS = {"tab": 1, "down": 1, "shift+tab": -1, "up": -1}
"""Keys that write another of what could be meant."""


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
    """The field for an answer; what its keys mean is done by its line, and at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Another answer", id="answer.before"),
        Binding("down", "step(1)", "Another answer", id="answer.other"),
    ]
    HELP = "Type an answer and press Enter; Tab or an arrow writes what could be meant, Escape asks no more."

    def __init__(self, line: AskLine) -> None:
        super().__init__(id="answer", compact=True, select_on_focus=False)
        self._line = line

    async def on_key(self, event: Key) -> None:
        """Let keys pass that were pressed after the answer: they are the screen's."""
        if not self._line.is_open:
            event.prevent_default()

    async def action_submit(self) -> None:
        self._line.submit()

    def action_escape(self) -> None:
        self._line.close()

    def action_step(self, step: int) -> None:
        self._line.step(step)

    def action_complete(self, step: int) -> None:
        self._line.step(step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002  # Textual calls it so
        """Nothing is searched here: answers have no history."""
        return action != "search"


class AskLine(Horizontal):
    """A chip that says what is asked, and the field; hidden while nothing is."""

    def __init__(self, suggestions: Suggestions, answered: Callable[[Question, str], None]) -> None:
        """`answered` is told each answer, when the line is closed already."""
        super().__init__(id="ask")
        self.input = AnswerInput(self)
        self._chip = Static(id="asked", markup=False)
        self._hint = Static(id="hint", markup=False)
        self._suggestions = suggestions
        self._answered = answered
        self._question: Question | None = None
        self._chosen: int | None = None
        self._found: tuple[Candidate, ...] = ()
        self._written: str | None = None  # what stands in the field and was not typed

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
        self.screen.call_later(self._take_focus)  # after the keys that wait: `take_key` has them

    def _take_focus(self) -> None:
        if self.is_open:
            self.screen.set_focus(self.input)

    @property
    def takes_keys(self) -> bool:
        """Whether a key is for `take_key`: a question is open, and the field has not got the focus yet."""
        return self.is_open and not self.input.has_focus

    def take_key(self, event: Key) -> None:
        """Take a key that was pressed before the field got the focus, as the field would."""
        event.stop()
        event.prevent_default()
        if event.is_printable and event.character:
            self.input.replace(event.character, *sorted(self.input.selection))
        elif event.key == "enter":
            self.submit()
        elif event.key == "escape":
            self.close()
        elif event.key in STEPS:
            self.step(STEPS[event.key])

    def submit(self) -> None:
        """Close, and hand over what was answered."""
        question, text = self._question, self.input.value.strip()
        if question is not None:
            self.close()
            self._answered(question, text)

    def give_back(self, question: Question, text: str, column: int | None = None) -> None:
        """Ask again what could not be obeyed, its answer in the field, unless something else is asked."""
        if self._question is None:
            self.ask(question)
            self._write(text)
            self.input.cursor_position = len(text) if column is None else column

    def close(self) -> None:
        """Ask nothing any more."""
        self._question = None
        self._suggestions.show(())
        self._write("")
        self.remove_class("-asking")
        if self.input.has_focus:
            self.screen.set_focus(None)

    def _write(self, text: str) -> None:
        self._written = text
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
        self._follow()

    def _follow(self) -> None:
        """Suggest what begins with what was typed."""
        if self._question is not None and self.input.value != self._written:
            self._written = None
            self._suggest(self.input.value)

    def step(self, step: int) -> None:
        """Write the next of what could be meant."""
        self._follow()
        if self._found:
            before = -1 if self._chosen is None and step > 0 else self._chosen or 0
            self._chosen = (before + step) % len(self._found)
            self._suggestions.show(self._found, self._chosen)
            self._write(self._found[self._chosen].text)

    @on(LineInput.Pasted)
    def refuse_paste(self, event: LineInput.Pasted) -> None:
        event.stop()
        self.app.notify("Only one line can be pasted here.", severity="warning")

    @on(LineInput.CleanedUp)
    def say_cleaned(self, event: LineInput.CleanedUp) -> None:
        event.stop()
        self.app.notify(f"{event.count} characters of the paste were left out: they do not show.")
