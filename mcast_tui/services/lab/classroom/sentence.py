"""Sentences of a lesson and the patterns they are read by: words in small letters stand for themselves.

A pattern is written as a person would type it, ``cut HOST [on lan LAN]``: a word in capitals is a value of
a known shape, what is in brackets may be left out. So the pattern is rule, help text and remedy at once.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Meaning = TypeVar("Meaning")

SHAPES = {
    "HOST": r"\d{1,3}",
    "LAN": r"\d{1,2}",
    "PERCENT": r"\d{1,3}",
    "SECONDS": r"\d{1,2}(?:\.\d{1,3})?",
    "VERSION": r"[123]",
    "MODE": r"[012]",
    "USERS": r"\d{1,4}",
    "TTL": r"\d{1,3}",
    "GROUP": r"[0-9a-f:.]+",
    "SOURCE": r"[0-9a-f:.]+",
    "NETWORK": r"[0-9.]+/\d{1,2}",
    "MEMBER": r"[a-z][a-z0-9-]*",
    "SENDER": r"[a-z][a-z0-9-]*",
    "COUNTER": r"[A-Za-z0-9]+\.[A-Za-z0-9]+",
}


class Grammar(Generic[Meaning]):
    """Patterns, each with what to make of the values in a sentence."""

    def __init__(self, noun: str, rules: Mapping[str, Callable[..., Meaning]]) -> None:
        self.noun = noun
        self._rules = rules

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every form a sentence can have."""
        return tuple(self._rules)

    def read(self, text: str, *context: object) -> Meaning:
        """Return what a sentence means; raises UsageError that says what would be right.

        The maker of its pattern is called with `context` and the values in the sentence, by their names.
        """
        for pattern, make in self._rules.items():
            if found := _compiled(pattern).fullmatch(text):
                return make(*context, **{name: value for name, value in found.groupdict().items() if value})
        nearest = get_close_matches(text, self.patterns, 1, 0.4) or self.patterns
        remedy = (
            f"It would be {nearest[0]!r}." if len(nearest) == 1 else f"It would be one of: {_list(nearest)}."
        )
        raise UsageError(f"read {text!r}", f"it is no {self.noun}", remedy=remedy)


def _list(patterns: tuple[str, ...] | list[str]) -> str:
    return "; ".join(patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    source = re.escape(pattern).replace(r"\ \[", r"(?:\s+").replace(r"\]", ")?").replace(r"\ ", r"\s+")
    return re.compile(re.sub(r"\b[A-Z]+\b", lambda word: f"(?P<{word[0].lower()}>{SHAPES[word[0]]})", source))
