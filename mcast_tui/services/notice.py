"""Notices: what happened, why, what would help; kept to be read again.

Texts may hold words of others (a typed endpoint, the kernel's reason): who shows them makes
them safe.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.errors import McastError

KEPT = 500
"""Notices kept to be read again."""
FOLD_WITHIN_S = 10.0
"""The same cause within this time is counted, not shown again."""


class Level(Enum):
    """How much a notice matters; the value names its CSS class."""

    DONE = "done"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing a person should know."""

    level: Level
    what: str
    fix: str = ""
    command: str = ""
    """A shell line that would help; shown and copied, never run."""
    key_hint: str = ""
    """A key that does something about it, with words: ``u joins it again``."""
    at: float = 0.0
    """Wall clock, seconds since the epoch, of the last time."""
    times: int = 1

    @property
    def cause(self) -> tuple[Level, str]:
        return self.level, self.what


def notice_of(error: McastError, attempted: str | None = None) -> Notice:
    """Return an error as a notice; `attempted` replaces what the error says was tried."""
    tried = f"Cannot {error.attempted}" if attempted is None else attempted
    return Notice(Level.ERROR, f"{tried}: {error.reason}.", error.remedy or "", error.command or "")


class NoticeLog:
    """The last notices, oldest first; a cause that comes again soon is counted, unless all are to be kept."""

    def __init__(self, fold_within_s: float = FOLD_WITHIN_S) -> None:
        self._fold_within_s = fold_within_s
        self._notices: deque[Notice] = deque(maxlen=KEPT)
        self.revision = 0

    def __iter__(self) -> Iterator[Notice]:
        return iter(tuple(self._notices))

    def __len__(self) -> int:
        return len(self._notices)

    def add(self, notice: Notice, now: float) -> Notice:
        """Keep a notice of wall time `now`; return it as kept, with how often its cause came."""
        self.revision += 1
        for index in range(len(self._notices) - 1, -1, -1):
            known = self._notices[index]
            if now - known.at >= self._fold_within_s:
                break
            if known.cause == notice.cause:
                del self._notices[index]
                notice = replace(notice, times=known.times + 1)
                break
        kept = replace(notice, at=now)
        self._notices.append(kept)
        return kept
