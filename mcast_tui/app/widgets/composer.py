"""The line at the bottom: where it goes, the text, how long it is.

It keeps a draft per group, the history, and the popup with what Tab would write. It parses
and sends nothing: it says `Submitted`, and whoever obeys calls `take`, and `give_back` when it
could not be done, so that no text is ever lost to a mistake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Static
from textual.widgets.input import Selection

from mcast_tui.app.history import History
from mcast_tui.app.widgets.line_input import LineInput
from mcast_tui.app.widgets.paste_question import PasteQuestion
from mcast_tui.services.command import is_command
from mcast_tui.services.completion import Candidate, Completion, Vocabulary, complete
from mcast_tui.services.target import Manner, Size, Target, payload_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.widgets import Input

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.app.widgets.suggestions import Suggestions


class Composer(Horizontal):
    """Chip, text field and byte counter; the paste question takes their place while it is open."""

    class Submitted(Message):
        """Enter was pressed on this line."""

        def __init__(self, line: str, number: int) -> None:
            super().__init__()
            self.line = line
            self.number = number
            """Of the lines given away, from 1."""

    class LeaveWanted(Message):
        """Escape was pressed and the composer has nothing of its own to leave."""

    def __init__(
        self, glyphs: Glyphs, suggestions: Suggestions, vocabulary: Callable[[], Vocabulary]
    ) -> None:
        super().__init__(id="composer")
        self._glyphs = glyphs
        self._suggestions = suggestions
        self._vocabulary = vocabulary
        self.history = History()
        self.input = LineInput(id="line", compact=True, select_on_focus=False)
        self.question = PasteQuestion(self.input.insert_text_at_cursor)
        self._chip = Static(id="chip", markup=False)
        self._counter = Static(id="counter", markup=False)
        self._target: Target | None = None
        self._drafts: dict[int, str] = {}
        self._draft_key = 0
        self._completion = Completion()
        self._chosen: int | None = None
        self._searching = False
        self._before_search = ""
        self._given_back = ""
        self._submitted = 0
        self._hint = ""
        self._writing = False

    def compose(self) -> ComposeResult:
        yield self._chip
        yield self.input
        yield self._counter
        yield self.question

    # -- what the frame tells ------------------------------------------------------------

    def show_target(self, target: Target | None, otherwise: str) -> None:
        """Say where a line would go; `otherwise` is said when it would go nowhere."""
        self._target = target
        self._hint = "message or /command" if target else "address or /command"
        if not self._searching:
            self.input.placeholder = self._hint
        manner = Manner.NONE if target is None else target.manner
        for known in Manner:
            self._chip.set_class(known is manner, f"-{known.value}")
        self._chip.update(self._chip_content(otherwise))
        self._count()

    def switch_draft(self, key: int) -> None:
        """Put the text away under the group it was for, and fetch the one for `key`."""
        if key == self._draft_key:
            return
        self._drafts[self._draft_key] = self.input.value
        self._draft_key = key
        self.write(self._drafts.pop(key, ""))

    def forget_draft(self, key: int) -> None:
        self._drafts.pop(key, None)

    def write(self, text: str, cursor: int | None = None) -> None:
        """Put this text in the field, the cursor at its end or where said."""
        self.input.value = text
        self.input.cursor_position = len(text) if cursor is None else cursor
        self.close_popup()

    def select_word(self, column: int) -> None:
        """Select the word at this column of the line given back: what is typed next takes its place.

        Where something new is being typed by now, nothing is selected: its next key would wipe it out.
        """
        line = self.input.value
        if line != self._given_back:
            return
        end = next((at for at in range(column, len(line)) if line[at] == " "), len(line))
        self.input.selection = Selection(column, max(column, end))

    def take(self, line: str) -> None:
        """Remember a line that is being obeyed, and take it from the field; the next may be begun there."""
        self.history.add(line)
        if self.input.value == line:
            self.write("")

    def give_back(self, line: str, key: int, number: int | None = None) -> None:
        """Put a line back that could not be obeyed, into the field or draft of the group it was for.

        When something new is being written there, it is one key up; also when it was line `number` and
        others have followed by now.
        """
        written = self.input.value if key == self._draft_key else self._drafts.get(key, "")
        has_followers = number is not None and number < self.input.submissions
        self._given_back = ""
        if written or has_followers:
            self.history.add(line)
        elif key == self._draft_key:
            self.write(line)
            self._given_back = line
        else:
            self._drafts[key] = line

    def show_progress(self, done: int, total: int) -> None:
        """Say how much of a paste is sent, in place of the byte counter; all of it ends that."""
        if done >= total:
            self._count()
        else:
            self._counter.update(Content(f" sending {done}/{total}  ^c stops "))

    # -- the chip and the counter --------------------------------------------------------

    def _chip_content(self, otherwise: str) -> Content:
        target = self._target
        if target is None:
            return Content(f" {otherwise} ")
        mark = {Manner.CAUTION: f"{self._glyphs.warning} ", Manner.REPLY: "only "}.get(target.manner, "")
        room = max(8, self.size.width // 2)
        start = f" {mark}{self._glyphs.to} {target.place} "
        details = ""
        for detail in target.details():
            if len(start) + len(details) + len(detail) + 1 <= room:
                details += f"{detail} "
        return Content.assemble((start, "bold"), details).truncate(room)

    def _count(self) -> None:
        target, line = self._target, self.input.value
        self._counter.remove_class("-fragments", "-too-long")
        if target is None or is_command(line):
            self._counter.update("")
            return
        length = len(payload_of(line.removeprefix("/") if line.startswith("//") else line)) if line else 0
        size = target.size(length)
        limit = target.unfragmented if size is Size.FITS else target.largest
        note = {Size.FRAGMENTS: " fragments", Size.TOO_LONG: " too long"}.get(size, "")
        self._counter.set_class(size is Size.FRAGMENTS, "-fragments")
        self._counter.set_class(size is Size.TOO_LONG, "-too-long")
        of = f"/{limit}" if limit is not None else ""
        self._counter.update(Content(f" {length}{of} B{note} "))

    def on_resize(self) -> None:
        if self._target is not None:
            self._chip.update(self._chip_content(""))

    # -- typing --------------------------------------------------------------------------

    @on(LineInput.Changed)
    def follow_typing(self, event: Input.Changed) -> None:
        event.stop()
        self._count()
        if self._writing:
            self._writing = False
            return
        self._chosen = None
        if self._searching:
            self._search()
        else:
            self._suggest()

    def _suggest(self) -> None:
        line = self.input.value
        known = self._vocabulary() if is_command(line) else Vocabulary()
        self._completion = complete(line, self.input.cursor_position, known)
        self._suggestions.show(self._completion.candidates)

    def _search(self) -> None:
        found = self.history.search(self.input.value)
        candidates = tuple(Candidate(line, line, "") for line in found)
        self._completion = Completion(0, len(self.input.value), candidates)
        self._suggestions.show(candidates)

    @on(LineInput.CompleteWanted)
    def complete_word(self, event: LineInput.CompleteWanted) -> None:
        event.stop()
        candidates = self._completion.candidates
        if not candidates:
            self.screen.focus_next() if event.step > 0 else self.screen.focus_previous()
            return
        if self._chosen is None:
            self._chosen = 0 if event.step > 0 else len(candidates) - 1
        else:
            self._chosen = (self._chosen + event.step) % len(candidates)
        self._suggestions.show(candidates, self._chosen)
        self._write_candidate(candidates[self._chosen].text, alone=len(candidates) == 1)

    def _write_candidate(self, word: str, *, alone: bool) -> None:
        """Put a candidate where the word at the cursor is; after the only one comes the next word."""
        completion = self._completion
        line = self.input.value
        if alone and not self._searching:
            word += " "
        self._completion = Completion(
            completion.start, completion.start + len(word), () if alone else completion.candidates
        )
        self._writing = line[: completion.start] + word + line[completion.end :] != line
        self.input.value = line[: completion.start] + word + line[completion.end :]
        self.input.cursor_position = completion.start + len(word)
        if alone:
            self._writing = False
            self._chosen = None

    @on(LineInput.Stepped)
    def step_history(self, event: LineInput.Stepped) -> None:
        event.stop()
        if self._searching:
            self.post_message(LineInput.CompleteWanted(-event.step))
            return
        line = self.history.older(self.input.value) if event.step < 0 else self.history.newer()
        if line is not None:
            self.write(line)

    @on(LineInput.SearchWanted)
    def search_history(self, event: LineInput.SearchWanted) -> None:
        event.stop()
        if self._searching:
            self.post_message(LineInput.CompleteWanted(1))
            return
        self._searching = True
        self._before_search = self.input.value
        self.input.placeholder = "search what you typed: Enter takes it, Esc leaves"
        self._search()

    @on(LineInput.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        event.stop()
        self._submitted += 1
        if self._searching:
            found = self._completion.candidates
            self.write(found[self._chosen or 0].text if found else event.value)
            return
        self.close_popup()
        self.post_message(self.Submitted(event.value, self._submitted))

    @on(LineInput.Escaped)
    def leave_layer(self, event: LineInput.Escaped) -> None:
        """Close the popup or the search; without either the frame decides."""
        event.stop()
        if self._searching:
            self.write(self._before_search)
        elif self._suggestions.is_open:
            self.close_popup()
        else:
            self.post_message(self.LeaveWanted())

    def close_popup(self) -> None:
        self._searching = False
        self._chosen = None
        self._completion = Completion()
        self.input.placeholder = self._hint
        self._suggestions.show(())

    # -- pasting -------------------------------------------------------------------------

    @on(LineInput.Pasted)
    def ask_about_paste(self, event: LineInput.Pasted) -> None:
        event.stop()
        self.ask(event.text)

    def ask(self, text: str) -> None:
        """Ask what is to become of several lines; they are kept until that is answered."""
        self.question.ask(text, self._target)
        self.add_class("-asking")
        self.question.focus()

    @property
    def is_asking(self) -> bool:
        """Whether a paste waits for its answer."""
        return self.has_class("-asking")

    @on(PasteQuestion.Answered)
    def close_question(self, event: PasteQuestion.Answered) -> None:
        """Take the question away; the answer goes on to the frame."""
        self.remove_class("-asking")
        self.input.focus()
        if event.answer is PasteQuestion.Answer.NO:
            event.stop()
