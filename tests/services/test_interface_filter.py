"""What our sockets prove of an interface's filter, where the kernel's tables are silent."""

from __future__ import annotations

from ipaddress import ip_address
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.kernel import KernelView
from mcast_tui.services.kernel_views import read_views
from mcast_tui.services.membership.interface_filter import told_by_ours
from mcast_tui.services.membership.table import HostTable
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter
from tests.peers import socat_peer
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host

A, B = ip_address("192.168.10.2"), ip_address("192.168.10.3")


def including(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.INCLUDE, sources)


def excluding(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.EXCLUDE, sources)


@pytest.mark.parametrize(
    ("users", "ours", "told"),
    [
        (1, [excluding()], "EXCLUDE {}"),
        (5, [excluding()], "EXCLUDE {}"),  # whatever the others hold
        (1, [including(A)], f"INCLUDE {{{A}}}"),
        (2, [including(A), including(B)], f"INCLUDE {{{A}, {B}}}"),
        (2, [excluding(A, B), including(A)], f"EXCLUDE {{{B}}}"),
        (2, [excluding(A, B), excluding(B)], f"EXCLUDE {{{B}}}"),
        (2, [including(A)], None),  # the other one may take any source
        (2, [excluding(A)], None),
        (1, [], None),
        (1, [None], None),
    ],
)
def test_only_what_follows_from_our_own_filters_is_told(users, ours, told) -> None:
    unknown = KernelView(users, None, None, 3, "/proc/net/igmp")
    view = told_by_ours(unknown, [SimpleNamespace(proven_filter=each) for each in ours])
    assert view.filter == told
    assert ("getsockopt" in view.origin) == (told is not None)


def test_what_the_tables_tell_is_left_as_it_is() -> None:
    view = KernelView(1, "INCLUDE", (A,), 3, "/proc/net/igmp")
    assert told_by_ours(view, [SimpleNamespace(proven_filter=excluding())]) is view


async def test_a_blocked_source_is_shown_though_a_later_group_hides_it_from_the_table(host1: Host) -> None:
    async with node_on(host1) as node:
        [group] = await node.join(parse_endpoint("224.1.0.1%eth0"))
        await node.join(parse_endpoint("224.1.0.2%eth0"))
        table = HostTable(node.groups)
        table.read()
        await node.change_sources(group, SourceChange(Change.BLOCK, (A,)))
        assert read_views(node.groups)[group.id].filter == f"EXCLUDE {{{A}}}"
        rows = {str(row.group): row for row in table.read()}
        assert rows["224.1.0.1"].view.filter == f"EXCLUDE {{{A}}}"
        with socat_peer(host1, "239.9.9.9", 7777):
            await node.join(parse_endpoint("224.1.0.3%eth0"))
            rows = {str(row.group): row for row in table.read()}
        assert rows["239.9.9.9"].view.filter is None  # another's, and not told: not called empty
        assert rows["224.0.0.1"].view.filter == "EXCLUDE {}"
