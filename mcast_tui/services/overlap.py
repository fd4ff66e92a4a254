"""Groups at one address, port and interface: which two would show the same packets, and whose they are.

Both sockets would hear a source that both let in, and each of its packets would stand in the log twice: so
that is refused, before the kernel is asked. Whom one group heard once, another may hear now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.services.source_change import Change

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.group import Group
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.membership.source_filter import SourceFilter


def refuse_overlap(
    endpoint: Endpoint, interface: Interface | None, sources: SourceFilter | None, there: Iterable[Group]
) -> None:
    """Raise `UsageError` if a join would hear what a group hears that is joined there already.

    `sources` is the filter to join with, where the endpoint does not say it.
    """
    where = f" on {interface.name}" if interface else ""
    for group in there:
        _refuse_beside(group, endpoint, sources, f"join {endpoint}{where}")


def _refuse_beside(group: Group, endpoint: Endpoint, sources: SourceFilter | None, attempted: str) -> None:
    if group.endpoint.source == endpoint.source and group.chosen_filter is None:
        raise UsageError(attempted, "it is joined already")
    heard = group.chosen_filter or group.endpoint.source or "any source"
    if endpoint.source is None or group.shown_sources is None:
        only = " only" if heard is group.endpoint.source else ""
        raise UsageError(
            attempted,
            f"the group is joined already, from {heard}{only}",
            remedy="Leave it first: with both, every packet would be shown twice.",
        )
    for source in sources.sources if sources else ():
        if group.hears(source):
            raise UsageError(attempted, f"{source} is heard in {group.label} already")
    if group.names(endpoint.source):
        raise UsageError(
            attempted,
            f"it is joined already: {group.label} hears {heard}",
            remedy=None if group.hears(endpoint.source) else f"/source add {endpoint.source} there.",
        )


def refuse_shared(change: SourceChange, group: Group, beside: Iterable[Group]) -> None:
    """Raise `UsageError` if `change` would make the group hear a source that a group beside it hears."""
    if change.kind not in {Change.ADD, Change.ONLY}:
        return
    for other in beside:
        for source in change.sources:
            if other.hears(source):
                raise UsageError(
                    f"{change} in {group.label}",
                    f"{source} is heard in {other.label} already: each packet would be shown twice",
                    remedy=f"Leave it first: /leave {other.label}.",
                )


def take_over(group: Group, beside: Iterable[Group]) -> None:
    """Make the packets of the sources it hears the group's own: one that once heard them has lost them."""
    for other in beside:
        if other.shown_sources is not None:
            other.shown_sources = tuple(each for each in other.shown_sources if not group.hears(each))
