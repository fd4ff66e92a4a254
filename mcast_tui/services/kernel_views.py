"""What the kernel's tables say of our groups: read once, worked out for those that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mcast_tui.net import kernel
from mcast_tui.services.membership.interface_filter import told_by_ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mcast_tui.services.group import Group
    from mcast_tui.services.groups import Groups


def read_views(
    groups: Groups, chosen: Iterable[Group] | None = None
) -> Mapping[int, kernel.KernelView | None]:
    """Return, by group id, what the kernel says of each of `groups`, or of those that are chosen.

    None: this host is no member. A group that is missing: the tables could not be read.
    """
    try:
        tables = kernel.read_memberships()
    except OSError:
        return {}
    return KernelViews(groups, groups if chosen is None else chosen, tables)


class KernelViews(Mapping[int, kernel.KernelView | None]):
    """One reading of the tables, by group id; None: this host is no member."""

    def __init__(self, groups: Groups, chosen: Iterable[Group], tables: kernel.MembershipTables) -> None:
        self._holding = groups.holding
        self._chosen = {group.id: group for group in chosen}
        self._tables = tables

    def __getitem__(self, group_id: int) -> kernel.KernelView | None:
        group = self._chosen[group_id]
        if group.interface is None or group.is_broadcast:
            return None
        place = group.endpoint.address, group.interface.index
        view = self._tables.view(*place)
        return None if view is None else told_by_ours(view, self._holding(*place))

    def __iter__(self) -> Iterator[int]:
        return iter(self._chosen)

    def __len__(self) -> int:
        return len(self._chosen)
