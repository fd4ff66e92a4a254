"""What stands beside the picture: the lessons to choose from, or the one that is played, step by step.

Pure. A lesson may come from anybody's file, so its words go through `safe`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcast_tui.app.fit import MUTED
from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mcast_tui.app.palette import Glyphs
    from mcast_tui.services.lab.classroom.lectern import Lesson
    from mcast_tui.services.lab.classroom.runner import StepResult
    from mcast_tui.services.lab.classroom.scenario import Scenario, Step

FREE_PLAY = (
    ("1-9", "mark a host, as arrows and clicks do"),
    ("j l", "join and leave a group on the host that is marked"),
    ("s", "start a sender on it, or stop it"),
    ("n", "let the switch snoop, or flood"),
    ("Q", "let the switch query: IGMPv3, IGMPv2, not"),
    ("v r", "the host's IGMP version, its rp_filter"),
    ("c d", "pull its cable, drop a part of its packets"),
)


class Lines:
    """Rows of a pane, wrapped to its width."""

    def __init__(self, width: int) -> None:
        self.rows: list[Content] = []
        self._width = max(1, width)

    def add(self, text: str | Content = "", style: str = "", indent: str | Content = "") -> None:
        """Add words, wrapped; what is wrapped stands under the words, not under the indent."""
        content = Content.styled(text, style) if isinstance(text, str) else text
        first = Content(indent) if isinstance(indent, str) else indent
        further = Content(" " * first.cell_length)
        wrapped = content.wrap(max(8, self._width - first.cell_length)) or [Content()]
        self.rows += [
            Content.assemble(further if at else first, row.rstrip()) for at, row in enumerate(wrapped)
        ]

    def add_paragraphs(self, text: str, style: str = "") -> None:
        """Add paragraphs of a lesson, an empty row after each."""
        for paragraph in text.strip().split("\n\n"):
            if words := " ".join(paragraph.split()):
                self.add(safe_text(words), style)
                self.add()


def menu(
    lessons: Sequence[Scenario], chosen: int, width: int, glyphs: Glyphs
) -> tuple[list[Content], dict[int, int]]:
    """Return the rows to choose from, and which lesson each of them is."""
    lines = Lines(width)
    places: dict[int, int] = {}
    lines.add("LESSONS", f"bold {MUTED}")
    for at, lesson in enumerate(lessons):
        mark = glyphs.pointer if at == chosen else " "
        begins = len(lines.rows)
        style = "bold $primary" if at == chosen else ""
        lines.add(safe_text(lesson.title), style, Content.styled(f"{mark} {at + 1} ", "$primary"))
        places |= dict.fromkeys(range(begins, len(lines.rows)), at)
    lines.add()
    lines.add("Enter plays the marked one, on a LAN of its own.", MUTED)
    lines.add()
    lines.add("OR PLAY FREELY", f"bold {MUTED}")
    for keys, what in FREE_PLAY:
        lines.add(what, "", Content.styled(f"{keys:<4}", "bold $primary"))
    return lines.rows, places


def lesson_rows(lesson: Lesson, title: str, width: int, glyphs: Glyphs) -> list[Content]:
    """Return the rows of a lesson as far as it has come; `title` says which lesson it is."""
    lines = Lines(width)
    scenario, results = lesson.scenario, lesson.results
    lines.add(_progress(lesson, title, glyphs))
    lines.add(safe_text(scenario.title), "bold $primary")
    lines.add()
    if lesson.running is not None:
        _running(lines, lesson.running, len(results) + 1, glyphs)
    elif results:
        _result(lines, results[-1], glyphs)
    else:
        lines.add_paragraphs(scenario.text)
        for line in scenario.scale.strip().splitlines():
            lines.add(safe_text(line.strip()), "$warning", f"{glyphs.warning} ")
            lines.add()
    _outlook(lines, lesson, glyphs)
    return lines.rows


def _progress(lesson: Lesson, title: str, glyphs: Glyphs) -> Content:
    """Return ``LESSON 2 of 7   step 3 of 5  ooo..``."""
    done = "".join(glyphs.ok if result.holds else glyphs.failed for result in lesson.results)
    rest = len(lesson.scenario.steps) - len(lesson.results)
    return Content.assemble((title, f"bold {MUTED}"), "   ", (done, "bold"), (glyphs.middot * rest, MUTED))


def _running(lines: Lines, step: Step, number: int, glyphs: Glyphs) -> None:
    _heading(lines, step, number)
    _done(lines, (action.words for action in step.actions), glyphs)
    _sight(lines, step)
    for expectation in step.expectations:
        lines.add(safe_text(expectation.text), MUTED, f"{glyphs.inferred} ")
    if step.expectations:
        lines.add("counting packets...", MUTED, "  ")
        lines.add()
    _explanation(lines, step)


def _result(lines: Lines, result: StepResult, glyphs: Glyphs) -> None:
    _heading(lines, result.step, result.number)
    _done(lines, result.done, glyphs)
    _sight(lines, result.step)
    for outcome in result.outcomes:
        mark, style = (glyphs.ok, "bold $success") if outcome.holds else (glyphs.failed, "bold $error")
        words = Content.styled(safe_text(outcome.text), "" if outcome.holds else "bold $error")
        lines.add(words, "", Content.styled(f"{mark} ", style))
        lines.add(safe_text(outcome.evidence), MUTED, "  ")
    lines.add()
    _explanation(lines, result.step)


def _heading(lines: Lines, step: Step, number: int) -> None:
    lines.add(safe_text(step.title), "bold", Content.styled(f"{number}. ", "bold $primary"))


def _done(lines: Lines, words: Iterable[str], glyphs: Glyphs) -> None:
    for said in words:
        lines.add(safe_text(said), "", Content.styled(f"{glyphs.to} ", "$primary"))


def _sight(lines: Lines, step: Step) -> None:
    """Add what there is to see: it comes before the proof, and that before the reason."""
    lines.add()
    if step.see:
        lines.add_paragraphs(step.see, "bold")


def _explanation(lines: Lines, step: Step) -> None:
    """Add why it is so and where it is written."""
    lines.add_paragraphs(step.why)
    if step.reference:
        lines.add(safe_text(step.reference), MUTED, Content.styled("see ", MUTED))
        lines.add()


def _outlook(lines: Lines, lesson: Lesson, glyphs: Glyphs) -> None:
    """Add what a key would do next."""
    if lesson.running is not None:
        return
    at = len(lesson.results)
    if lesson.is_over:
        so = all(result.holds for result in lesson.results)
        lines.add("That was it. All of it was so." if so else "That was it; not all of it was so.", "bold")
        lines.add("p picks another lesson, b begins this one anew, f plays on freely.", MUTED)
    else:
        step = lesson.scenario.steps[at]
        lines.add(
            Content.assemble((f"{at + 1}. {safe_text(step.title)}", "")),
            "",
            Content.styled(f"space {glyphs.to} ", "bold $primary"),
        )
