"""One thing done to a group of ours, with what was seen before and after it: the facts of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mcast_tui.wire.membership.source_filter import NOBODY, FilterMode, SourceFilter

if TYPE_CHECKING:
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.net.kernel import KernelView
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.membership.message import Protocol


class Act(Enum):
    """What was done."""

    JOIN = "joined"
    LEAVE = "left"
    FILTER = "changed the sources of"


@dataclass(frozen=True, slots=True)
class InForce:
    """What this host speaks on an interface, and why."""

    protocol: Protocol | None
    """None: the kernel does not tell."""
    reason: str
    """May hold the interface's name: to be shown through `safe`."""
    reports_link_local: bool = True
    """Whether groups of 224.0.0.0/24 are reported (net.ipv4.igmp_link_local_mcast_reports)."""


@dataclass(frozen=True, slots=True)
class TableView:
    """What the kernel's table said of a group on an interface at one moment."""

    view: KernelView | None
    """None: the host was no member."""

    @property
    def users(self) -> int:
        return self.view.users if self.view else 0

    @property
    def filter(self) -> SourceFilter | None:
        """The filter of the interface, all its users together; None when the tables leave it open."""
        if self.view is None:
            return NOBODY
        if self.view.filter_mode is None or self.view.sources is None:
            return None
        return SourceFilter(FilterMode[self.view.filter_mode], self.view.sources)


@dataclass(frozen=True, slots=True)
class Deed:
    """A join, a leave or a change of sources that the kernel took."""

    at: int
    """ns since the epoch, before the kernel was asked."""
    act: Act
    endpoint: Endpoint
    """Of one group; the first, when a run was joined at once."""
    interface: Interface | None
    """None only for the limited broadcast address."""
    is_broadcast: bool
    in_force: InForce
    asked: tuple[tuple[str, int], ...] = ()
    """The socket options that were set for it, in order, each with the errno of the answer, 0 for none."""
    socket_before: SourceFilter | None = None
    socket_after: SourceFilter | None = None
    """Whom our socket hears, as the kernel says it; None: it is no member."""
    before: TableView | None = None
    after: TableView | None = None
    """None: the tables could not be read."""
    change: SourceChange | None = None
    further: int = 0
    """Groups of the same run that were joined with it."""
