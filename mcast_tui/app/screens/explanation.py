"""A page of explanation: what was done last, step by step, or one topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mcast_tui.app.fit import MUTED
from mcast_tui.app.screens.help import HelpScreen
from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.membership.topic_texts.topic import Topic


class ExplanationScreen(HelpScreen):
    """Shown and left as the help is; it holds one page of text."""

    NAME = "explained"

    def __init__(self, page: Content, glyphs: Glyphs) -> None:
        super().__init__((), "", (), glyphs)
        self._page = page

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._page, markup=False)


def explanation_page(explanation: Explanation, glyphs: Glyphs) -> Content:
    """Return the steps, numbered, each seen or inferred, and under it what it rests on."""
    lines = [Content.styled(safe_text(explanation.title), "bold $primary"), Content()]
    for number, step in enumerate(explanation.steps, 1):
        mark, style = (glyphs.seen, "$success") if step.is_seen else (glyphs.inferred, "$warning")
        lines.append(Content.assemble(f"{number} ", (f"{mark} ", style), safe_text(step.text)))
        lines.append(Content.styled(f"    {safe_text(step.evidence)}", MUTED))
    legend = f"{glyphs.seen} seen   {glyphs.inferred} inferred, by the standard that is named"
    return Content("\n").join([*lines, Content(), Content.styled(legend, MUTED)])


def topic_page(topic: Topic) -> Content:
    """Return a topic: its paragraphs, where it is said, and what else is worth a look."""
    lines = [Content.styled(topic.title, "bold $primary"), Content()]
    for paragraph in topic.paragraphs:
        lines += [Content(paragraph), Content()]
    lines.append(Content.assemble(("Read       ", MUTED), ", ".join(topic.references)))
    if topic.see_also:
        more = ", ".join(f"/explain {name}" for name in topic.see_also)
        lines.append(Content.assemble(("See also   ", MUTED), more))
    return Content("\n").join(lines)
