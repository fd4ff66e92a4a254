"""Looks on while a group is joined, left or changed: what was seen before and after becomes a `Deed`.

Reads the kernel's tables each time, whole: which filters they tell depends on the order of all groups.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.net.kernel import protocol_in_force, read_memberships
from mcast_tui.net.refusals import read_limit
from mcast_tui.services.membership.deed import Act, Deed, InForce, TableView
from mcast_tui.services.membership.interface_filter import told_by_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.services.group import Group
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.source_filter import SourceFilter


class Witness:
    """Of one group on one interface, from before it is acted on."""

    def __init__(
        self,
        group: Address,
        interface: Interface | None,
        holding: Callable[[Address, int], Sequence[Group]],
    ) -> None:
        """Look on; `holding` tells which of our groups are at an address on an interface."""
        self._holding = holding
        self._group = group
        self._interface = interface
        self._at = time.time_ns()
        self._before = self._look()
        self._in_force = self._read_version()

    def of_join(self, group: Group, further: int = 0) -> Deed:
        """Return the deed once a group was joined; `further` groups of its run were joined with it."""
        self._in_force = self._read_version()  # of an interface without groups it was not to be had before
        return replace(self._deed(Act.JOIN, group), socket_after=group.filter, further=further)

    def of_leave(self, group: Group, before: SourceFilter | None) -> Deed:
        """Return the deed once a group was left; `before` is the filter it had."""
        return replace(self._deed(Act.LEAVE, group), socket_before=before)

    def of_change(self, group: Group, change: SourceChange, before: SourceFilter | None) -> Deed:
        """Return the deed once the sources of a group were changed; `before` is the filter it had."""
        deed = self._deed(Act.FILTER, group)
        return replace(deed, socket_before=before, socket_after=group.filter, change=change)

    def _deed(self, act: Act, group: Group) -> Deed:
        return Deed(
            at=self._at,
            act=act,
            endpoint=group.endpoint,
            interface=group.interface,
            is_broadcast=group.is_broadcast,
            in_force=self._in_force,
            asked=group.membership.asked if group.membership is not None else (),
            before=self._before,
            after=self._look(),
        )

    def _look(self) -> TableView | None:
        if self._interface is None:
            return None
        try:
            view = read_memberships().view(self._group, self._interface.index)
        except OSError:
            return None
        ours = self._holding(self._group, self._interface.index)
        return TableView(None if view is None else told_by_ours(view, ours))

    def _read_version(self) -> InForce:
        if self._interface is None:
            return InForce(None, "it takes no part in membership")
        try:
            protocol, reason = protocol_in_force(
                self._interface.index, self._interface.name, self._group.version
            )
        except OSError as error:
            return InForce(None, f"the kernel's table could not be read: {error.strerror}")
        limit = read_limit("net", "ipv4", "igmp_link_local_mcast_reports")
        return InForce(protocol, reason, reports_link_local=limit != 0)
