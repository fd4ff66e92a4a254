"""What the Membership screen shows, as one value; where it comes from is behind `MembershipSource`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.membership.facts import (
        Explanation,
        HostMembership,
        PruneCountdown,
        QuerierFacts,
    )
    from mcast_tui.services.membership.timeline import Timeline
    from mcast_tui.services.tap.tap import TapState


class MembershipSource(Protocol):
    """Who knows of memberships. Asking is cheap: an answer that did not change is the same object."""

    @property
    def timeline(self) -> Timeline:
        """What happened."""

    @property
    def explanation(self) -> Explanation | None:
        """What the last join, leave or change of a filter did; None before the first."""

    @property
    def tap(self) -> TapState:
        """Whether the wire is listened to."""

    @property
    def origin(self) -> str:
        """How a change of the rows comes to be known: ``/proc/net/igmp, read each second``."""

    def follow(self) -> None:
        """Follow the memberships of this host from now on."""

    def listen(self) -> None:
        """Listen to the wire from now on, where that is allowed."""

    def rows(self) -> Sequence[HostMembership]:
        """Return every membership of this host; raises `OSError` where the kernel's tables are unreadable."""

    def queriers(self) -> Sequence[QuerierFacts]:
        """Return the queriers heard."""

    def prunes(self, now: int) -> Sequence[PruneCountdown]:
        """Return when switches would stop forwarding our groups; `now` is ns since the epoch."""


@dataclass(frozen=True, slots=True)
class MembershipView:
    """All the Membership screen shows at one moment."""

    at: int
    """ns since the epoch."""
    rows: Sequence[HostMembership]
    unreadable: OSError | None
    """Why there are no rows: it is not known that there are none."""
    origin: str
    timeline: Timeline
    queriers: Sequence[QuerierFacts]
    prunes: Sequence[PruneCountdown]
    explanation: Explanation | None
    tap: TapState


def view_of(source: MembershipSource, now: int) -> MembershipView:
    """Return what `source` knows at `now`, ns since the epoch."""
    rows: Sequence[HostMembership] = ()
    unreadable = None
    try:
        rows = source.rows()
    except OSError as error:
        unreadable = error
    return MembershipView(
        at=now,
        rows=rows,
        unreadable=unreadable,
        origin=source.origin,
        timeline=source.timeline,
        queriers=source.queriers(),
        prunes=source.prunes(now),
        explanation=source.explanation,
        tap=source.tap,
    )
