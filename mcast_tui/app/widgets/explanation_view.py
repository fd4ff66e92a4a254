"""What just happened, step by step, each step with its evidence; or a topic, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import MUTED, wrap_words
from mcast_tui.app.widgets.rows import Rows
from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.membership.facts import Explanation, Step
    from mcast_tui.services.membership.topic_texts.topic import Topic

NOTHING = "Nothing to explain yet. After each join, leave or change of sources its steps stand here."


class ExplanationView(Rows, can_focus=True):
    """Lines of an `Explanation` or of a topic, wrapped to the width of now."""

    HELP = (
        "What the last join, leave or change of sources did. A filled mark was seen, and with what;\n"
        "a hollow one follows from it by the standard that is named."
    )

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__(self.row, id="explanation")
        self._glyphs = glyphs
        self._explanation: Explanation | None = None
        self._topic: Topic | None = None
        self._lines: list[Content] = []

    @property
    def is_topic(self) -> bool:
        return self._topic is not None

    def show(self, explanation: Explanation | None) -> None:
        """Show what just happened; a new one takes the place of a topic, more on the same one does not."""
        before, self._explanation = self._explanation, explanation
        if explanation == before and self._lines:
            return
        if before and explanation and (before.at, before.title) == (explanation.at, explanation.title):
            self._lay_out()
            return
        self._topic = None
        self._show_from_top()

    def show_topic(self, topic: Topic) -> None:
        """Show a topic until something happens."""
        self._topic = topic
        self._show_from_top()

    def show_last(self) -> None:
        """Show what just happened again, in place of a topic."""
        self._topic = None
        self._show_from_top()

    def row(self, y: int) -> Content:
        return self._lines[y]

    def on_resize(self) -> None:
        self._lay_out()

    def _show_from_top(self) -> None:
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self._lay_out()

    def _lay_out(self) -> None:
        width = self.row_width
        if self._topic is not None:
            self._lines = list(_topic_lines(self._topic, width))
        elif self._explanation is not None:
            self._lines = list(self._explained(self._explanation, width))
        else:
            self._lines = list(_paragraph(NOTHING, width, f"{MUTED} italic"))
        self.set_row_count(len(self._lines))

    def _explained(self, explanation: Explanation, width: int) -> Iterator[Content]:
        yield from _paragraph(explanation.title, width, "bold")
        for number, step in enumerate(explanation.steps, 1):
            yield from self._step_lines(number, step, width)

    def _step_lines(self, number: int, step: Step, width: int) -> Iterator[Content]:
        glyphs = self._glyphs
        mark, style = (glyphs.seen, "$success") if step.is_seen else (glyphs.inferred, "$warning")
        head = f" {number:>2} "
        indent = len(head) + 2
        for at, line in enumerate(wrap_words(safe_text(step.text), width - indent - 1)):
            start = Content.assemble((head, MUTED), (f"{mark} ", style)) if at == 0 else Content(" " * indent)
            yield start.append(line)
        for line in wrap_words(safe_text(f"[{step.evidence}]"), width - indent - 1):
            yield Content.assemble(" " * indent, (line, MUTED))


def _topic_lines(topic: Topic, width: int) -> Iterator[Content]:
    yield from _paragraph(topic.title, width, "bold $primary")
    for paragraph in topic.paragraphs:
        yield Content()
        yield from _paragraph(paragraph, width, "")
    yield Content()
    if topic.references:
        yield from _paragraph(f"Reference: {', '.join(topic.references)}", width, MUTED)
    if topic.see_also:
        others = ", ".join(f"/explain {name}" for name in topic.see_also)
        yield from _paragraph(f"See also: {others}", width, MUTED)


def _paragraph(text: str, width: int, style: str) -> Iterator[Content]:
    for line in wrap_words(safe_text(text), width - 2):
        yield Content.styled(f" {line}", style)
