"""What could stand at the cursor of a command line: names, with a word about each.

Pure: the caller says what it knows (`Vocabulary`), nothing is looked up here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcast_tui.services.command import COMMANDS, find_command, is_command
from mcast_tui.services.membership.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SHOWN = 50
"""Candidates returned at most; a list nobody reads to its end."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that could be meant."""

    text: str
    """What completing it writes."""
    usage: str
    help: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is known to complete with; each is (text, a few words about it), best first."""

    groups: Sequence[tuple[str, str]] = ()
    """Groups worth joining."""
    joined: Sequence[tuple[str, str]] = ()
    peers: Sequence[tuple[str, str]] = ()
    """Most recent speaker first."""
    interfaces: Sequence[tuple[str, str]] = ()
    sources: Sequence[tuple[str, str]] = ()
    """Whom the selected group has heard or names: addresses without a port."""

    def of(self, kind: str) -> Iterable[tuple[str, str]]:
        """Return the words of one kind; the kinds are those `Command.completes` names."""
        match kind:
            case "group":
                return self.groups
            case "joined":
                return self.joined
            case "peer":
                return self.peers
            case "interface":
                return self.interfaces
            case "source":
                return self.sources
            case "change":
                return (("add", "hear one more"), ("drop", "hear one less"), ("only", "hear nobody else"))
            case "topic":
                return [(topic.name, topic.title) for topic in TOPICS]
            case "if":
                return (("if", "on this interface"), ("from", "only from these sources"))
            case "switch":
                return (("on", ""), ("off", ""))
            case "undo":
                return (("undo", "show what was cleared"),)
            case "command":
                return [(command.name, command.help) for command in COMMANDS]
        return ()


@dataclass(frozen=True, slots=True)
class Completion:
    """The candidates for the word that lies at [start, end) of the line."""

    start: int = 0
    end: int = 0
    candidates: tuple[Candidate, ...] = field(default=())


def complete(line: str, cursor: int, vocabulary: Vocabulary) -> Completion:
    """Return what could stand at `cursor`; empty where nothing is known or the line is plain text."""
    if not is_command(line):
        return Completion()
    before = line[:cursor]
    word = re.search(r"\S*$", before)
    start = word.start() if word else cursor
    if start == 0:
        return Completion(0, cursor, tuple(_commands(before[1:].lower())))
    words = before[1:start].split()
    command = find_command(words[0]) if words else None
    if command is None or not command.completes:
        return Completion()
    kind = _kind_at(command.completes, [word for word in words[1:] if word != "-b"])
    begun = before[start:].lower()
    found = [
        Candidate(text, text, about)
        for text, about in vocabulary.of(kind)
        if text.lower().startswith(begun) and text.lower() != begun
    ]
    return Completion(start, cursor, tuple(found[:SHOWN]))


def _commands(begun: str) -> Iterable[Candidate]:
    for command in COMMANDS:
        if any(name.startswith(begun) for name in (command.name, *command.aliases)):
            yield Candidate(f"/{command.name}", command.usage, command.help)


def _kind_at(kinds: tuple[str, ...], words: list[str]) -> str:
    """Return the kind of the next word, given the arguments before it."""
    if words and words[-1] in {"if", "from"} and "if" in kinds:
        return "interface" if words[-1] == "if" else "peer"
    if len(words) < len(kinds):
        return kinds[len(words)]
    return "if" if "if" in kinds else ""
