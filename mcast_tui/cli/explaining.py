"""Explanations as plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.cli.prose import wrap
from mcast_tui.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.membership.facts import Explanation
    from mcast_tui.services.membership.topic_texts.topic import Topic


def topic_lines(topic: Topic, width: int) -> Iterator[str]:
    """Yield a topic line by line."""
    yield from wrap(topic.title, width)
    for paragraph in topic.paragraphs:
        yield ""
        yield from wrap(paragraph, width)
    yield ""
    yield from _labelled("Read: ", ", ".join(topic.references), width)
    if topic.see_also:
        yield from _labelled("See also: ", ", ".join(topic.see_also), width)


def explanation_lines(explanation: Explanation, width: int) -> Iterator[str]:
    """Yield what was done last, step by step: ``*`` was seen, ``o`` is inferred."""
    yield from wrap(safe_text(explanation.title), width)
    for number, step in enumerate(explanation.steps, 1):
        mark = "*" if step.is_seen else "o"
        text = safe_text(f"{step.text} [{step.evidence}]")
        yield from wrap(text, width, f"{number} {mark} ", "    ")
    yield from wrap("* seen   o inferred, by the standard that is named", width)


def _labelled(label: str, text: str, width: int) -> list[str]:
    return wrap(text, width, label, " " * len(label))
