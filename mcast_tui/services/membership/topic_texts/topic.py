"""A topic that can be explained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A few paragraphs on one subject; all its words are our own."""

    name: str
    """What is typed for it, in lower case."""
    title: str
    """What it is about, in a line."""
    paragraphs: tuple[str, ...]
    """Each one line, to be wrapped by who shows it."""
    references: tuple[str, ...]
    """Sections of RFCs and manual pages, one at least."""
    see_also: tuple[str, ...] = ()
    """Names of other topics."""
    aliases: tuple[str, ...] = ()


def paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of a text, which blank lines part, each as one line."""
    return tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))
