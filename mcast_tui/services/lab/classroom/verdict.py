"""How a claim is judged: between two pictures, by what was surely sent and heard in between.

Time proves nothing on a busy machine, packets do: as long as too few were sent, a verdict stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.picture import Picture


class Verdict(Enum):
    """How a claim stands between two pictures."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"
    """Too little has been sent to tell."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict and the counters that led to it."""

    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True)
class Window:
    """The pictures a claim is judged by."""

    began: Picture
    """Before the step was done."""
    before: Picture
    """After it was done, or later, when something did not hold yet."""
    now: Picture

    def sent(self, name: str) -> int:
        """Return how many packets a sender surely sent between `before` and `now`; 0 when it does not run."""
        old, new = self.before.senders.get(name), self.now.senders.get(name)
        if old is None or new is None or old.serial != new.serial:
            return 0
        return max(new.sent - old.sent_after, 0)

    def heard(self, member: str, sender: str, since: Picture) -> tuple[int, int]:
        """Return what a member received of a sender since then, and how much was missing in between."""
        old, new = since.members.get(member), self.now.members.get(member)
        if new is None:
            return 0, 0
        later = new.from_sender(sender)
        if old is None or old.serial != new.serial:
            return later.received, later.lost
        earlier = old.from_sender(sender)
        return later.received - earlier.received, later.lost - earlier.lost


class Claim(Protocol):
    """One thing that must come about."""

    def judge(self, window: Window) -> Judged:
        """Compare the pictures."""
