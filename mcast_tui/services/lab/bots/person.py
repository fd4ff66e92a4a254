"""A person in the chat: reads a line, thinks, answers; now and then says something unasked."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.life import Manner

if TYPE_CHECKING:
    from collections.abc import Iterator

OPENING = "hi everyone, mia here"
UNASKED = (
    "does anyone else see a steady stream on 239.69.0.1?",
    "the printer announces itself again, nice",
    "coffee in five minutes?",
    "I pulled my cable by accident, back now",
    "TTL 1 is plenty for this room :)",
    "is the projector on this switch too?",
    "who keeps broadcasting to everybody?",
    "☕ zurück vom Kaffee",
)
REPLIES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("bye", "ciao", "see you", "/quit"), ("see you!", "bye, I stay joined")),
    (("who", "name"), ("mia", "it's mia, the packet tells you from where")),
    (("thank",), ("any time", "you're welcome")),
    (("how are",), ("fine, no packet lost so far", "good! and you?")),
    (("test", "ping"), ("loud and clear", "pong", "I hear you")),
    (("ttl", "hop"), ("TTL 1 stays on this switch", "64 is for the brave")),
    (
        ("hello", "hallo", "hey", "moin", "hi"),
        ("hello!", "hey, welcome to the group", "hi, nice to read you"),
    ),
    (("?",), ("good question", "no idea, sorry", "I think so, yes", "let me look... not sure")),
)
SMALL_TALK = ("ok", "I see", "interesting", "same here", "got it", "ha, true", "noted")
LONGEST_READ = 400
"""Nobody reads a longer line; it also bounds the work per datagram."""


class Person:
    """Mia. `seed` decides what she says and when, nothing else does."""

    manner = Manner("224.1.0.1", 6666, source_port=6666, maximum_rate=2, listens=True)

    def __init__(self, seed: int | None = None) -> None:
        self._chance = random.Random(seed)  # small talk, not a secret
        self._last = ""

    def talk(self) -> Iterator[tuple[float, bytes]]:
        yield 1.2, _line(OPENING)
        while True:
            yield self._chance.uniform(8, 20), _line(self._pick(UNASKED))

    def answer(self, heard: bytes) -> tuple[float, bytes] | None:
        """Answer a plain line of text; anything odd is left alone, so no quarrel with a vandal."""
        try:
            text = heard[:LONGEST_READ].decode().strip().lower()
        except UnicodeDecodeError:
            return None
        if not text or not text.isprintable() or "[" in text:
            return None
        for words, replies in REPLIES:
            if any(word in text for word in words):
                return self._chance.uniform(1, 2.5), _line(self._pick(replies))
        return self._chance.uniform(1.5, 3), _line(self._pick(SMALL_TALK))

    def _pick(self, lines: tuple[str, ...]) -> str:
        """Choose a line, not the last one again where there is another."""
        self._last = self._chance.choice([line for line in lines if line != self._last] or lines)
        return self._last


def _line(text: str) -> bytes:
    return text.encode() + b"\n"
