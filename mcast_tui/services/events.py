"""What the services tell those who listen: facts, in the past tense, frozen.

Rates are not events: they are pulled (`Monitor.snapshot`). Packets are not events: they
lie in the ring. An event is something a person would want to read in a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mcast_tui.errors import McastError
    from mcast_tui.net.sender import Sent
    from mcast_tui.services.group import Group
    from mcast_tui.services.membership.facts import Explanation, QuerierFacts, TimelineEntry


@dataclass(frozen=True, slots=True)
class GroupJoined:
    """A group's socket is open and its membership held; packets may arrive from now on."""

    group: Group


@dataclass(frozen=True, slots=True)
class GroupLeft:
    """A group's membership was given up and its socket closed."""

    group: Group


@dataclass(frozen=True, slots=True)
class DatagramSent:
    """The kernel took a datagram of ours; it does not follow that it arrived anywhere."""

    sent: Sent
    group: Group | None
    """The group it was sent to; None for an address nobody here joined."""


@dataclass(frozen=True, slots=True)
class DatagramRefused:
    """The kernel, or we, refused to send a datagram."""

    error: McastError


@dataclass(frozen=True, slots=True)
class IntakeFailed:
    """A read of one socket failed since the last sample; it is read on."""

    label: str
    errno: int


@dataclass(frozen=True, slots=True)
class CaptureStopped:
    """The capture thread ended by a fault of ours; nothing is received any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class MembershipNews:
    """Something happened to memberships, here or elsewhere: an entry of the timeline."""

    entry: TimelineEntry


@dataclass(frozen=True, slots=True)
class Explained:
    """What a join, leave or change of sources just did, step by step."""

    explanation: Explanation


@dataclass(frozen=True, slots=True)
class GroupsImpaired:
    """Groups cannot do their work from now on: their interface is down, say, or joining again failed."""

    groups: tuple[Group, ...]
    error: McastError
    """Why, and what would help; they are healed by themselves as soon as they can be."""


@dataclass(frozen=True, slots=True)
class QuerierLost:
    """The elected querier of an interface is overdue: switches will forget members they hear nothing of."""

    querier: QuerierFacts
    """As it was last heard."""


@dataclass(frozen=True, slots=True)
class StreamStalled:
    """A group that had packets has none any more."""

    group: Group
    silent_for_s: float


@dataclass(frozen=True, slots=True)
class StreamResumed:
    """A group that had stalled has packets again."""

    group: Group
    silent_for_s: float
    """How long it had none."""


Event: TypeAlias = (
    GroupJoined
    | GroupLeft
    | DatagramSent
    | DatagramRefused
    | IntakeFailed
    | CaptureStopped
    | MembershipNews
    | Explained
    | GroupsImpaired
    | QuerierLost
    | StreamStalled
    | StreamResumed
)
