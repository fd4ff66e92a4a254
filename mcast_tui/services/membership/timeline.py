"""The timeline: what happened to memberships, in the order it was learnt, bounded."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.services.membership.facts import TimelineEntry

ENTRIES = 5_000
"""Whoever is on the LAN can make entries as fast as he sends reports: older ones give way."""


def line_of(entry: TimelineEntry) -> str:
    """Return an entry in one line, without its time: ``eth0: 224.1.0.1 joined again: users 1, ...``."""
    where = f"{entry.interface}: " if entry.interface else ""
    return f"{where}{f'{entry.group} ' if entry.group else ''}{entry.text}"


class Timeline:
    """The newest entries; each is told once, as it is added, to whoever listens."""

    def __init__(self, tell: Callable[[TimelineEntry], None] | None = None, *, keep: int = ENTRIES) -> None:
        self._entries: deque[TimelineEntry] = deque(maxlen=keep)
        self._tell = tell
        self.added = 0
        """How many entries there were, those that gave way included: a reader's cursor."""

    def add(self, entry: TimelineEntry) -> None:
        """Add an entry, the newest."""
        self._entries.append(entry)
        self.added += 1
        if self._tell is not None:
            self._tell(entry)

    def since(self, cursor: int) -> Sequence[TimelineEntry]:
        """Return the entries added since `added` was `cursor`, oldest first, as far as they are kept."""
        missing = min(self.added - cursor, len(self._entries))
        return tuple(islice(self._entries, len(self._entries) - missing, None))

    def __len__(self) -> int:
        return len(self._entries)
