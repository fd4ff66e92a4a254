"""What the Membership screen shows, as one value; where it comes from is behind `MembershipSource`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mcast_tui.services.membership.facts import is_solicited_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.membership.facts import (
        Explanation,
        HeardGroup,
        HostMembership,
        PruneCountdown,
        QuerierFacts,
    )
    from mcast_tui.services.membership.timeline import Timeline
    from mcast_tui.services.tap.tap import TapState
    from mcast_tui.services.tap.traffic import TapTraffic


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
    def traffic(self) -> TapTraffic | None:
        """What the tap sees pass; None while nobody asked to listen."""

    @property
    def origin(self) -> str:
        """Where the rows come from, and when they are read: ``/proc/net/igmp and igmp6, each second``."""

    def follow(self) -> None:
        """Follow the memberships of this host from now on."""

    def listen(self) -> None:
        """Listen to the wire from now on, where that is allowed."""

    def rows(self) -> Sequence[HostMembership]:
        """Return every membership of this host; raises `OSError` where the kernel's tables are unreadable."""

    def queriers(self) -> Sequence[QuerierFacts]:
        """Return the queriers heard."""

    def prunes(self) -> Sequence[PruneCountdown]:
        """Return when switches would stop forwarding our groups."""

    def heard_groups(self) -> Sequence[HeardGroup]:
        """Return every group that other hosts were heard to report, with who did: not all there are."""


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
    heard: Sequence[HeardGroup]
    """What other hosts reported, as far as that is heard: by the tap, on the interfaces it is open on."""
    explanation: Explanation | None
    tap: TapState

    def hears(self, interface: str) -> bool:
        """Tell whether the tap is open on an interface: else what others report there is not known."""
        return self.tap.is_open and interface in self.tap.interfaces

    def elsewhere(self) -> list[HeardGroup]:
        """Return the groups that others reported and this host is no member of.

        Those that every IPv6 host has for its addresses come last.
        """
        here = {(row.ifindex, row.group) for row in self.rows}
        groups = (each for each in self.heard if (each.ifindex, each.group) not in here)
        return sorted(groups, key=_order)


def _order(heard: HeardGroup) -> tuple[bool, int, int, int]:
    return is_solicited_node(heard.group), heard.ifindex, heard.group.version, int(heard.group)


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
        prunes=source.prunes(),
        heard=source.heard_groups(),
        explanation=source.explanation,
        tap=source.tap,
    )
