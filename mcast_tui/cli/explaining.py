"""Explanations as plain lines, no wider than the terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.membership.topic_texts.topic import Topic

NARROWEST, WIDEST = 40, 100
"""Below this words are torn apart; above, lines are too long to read."""


def terminal_width() -> int:
    """Return how wide lines may be: as COLUMNS or the terminal says, 80 where neither does."""
    return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)


def topic_lines(topic: Topic, width: int) -> Iterator[str]:
    """Yield a topic line by line."""
    yield from _wrap(topic.title, width)
    for paragraph in topic.paragraphs:
        yield ""
        yield from _wrap(paragraph, width)
    yield ""
    yield from _labelled("Read: ", ", ".join(topic.references), width)
    if topic.see_also:
        yield from _labelled("See also: ", ", ".join(topic.see_also), width)


def explanation_lines(explanation: Explanation, width: int) -> Iterator[str]:
    """Yield what was done last, step by step: ``*`` was seen, ``o`` is inferred."""
    yield from _wrap(safe_text(explanation.title), width)
    for number, step in enumerate(explanation.steps, 1):
        mark = "*" if step.is_seen else "o"
        text = safe_text(f"{step.text} [{step.evidence}]")
        yield from _wrap(text, width, f"{number} {mark} ", "    ")
    yield from _wrap("* seen   o inferred, by the standard that is named", width)


def _labelled(label: str, text: str, width: int) -> list[str]:
    return _wrap(text, width, label, " " * len(label))


def _wrap(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Break a text into lines at blanks only: what is to be typed or copied keeps its hyphens."""
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=others, break_on_hyphens=False)
