"""Thousands of groups: all joined, heard and left, and what is quiet costs nothing to hold."""

from __future__ import annotations

import asyncio
import resource
import socket
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import NetworkRefused
from mcast_tui.net import sockopt
from mcast_tui.net.kernel import read_memberships
from mcast_tui.services.intakes import IN_TURN
from mcast_tui.wire.address import parse_endpoint
from tests.peers import PATIENCE_S
from tests.services.nodes import counted, node_on, packets, send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab


@pytest.mark.parametrize("first", ["239.0.0.0%eth0", "[ff15::1:0%eth0]"])
async def test_thousands_of_groups_are_members_are_heard_and_are_left(lab: Lab, first: str) -> None:
    count = 2_000
    host = lab.host(1)
    async with node_on(host) as node:
        groups = await node.join(parse_endpoint(f"{first}:5000+{count - 1}"))
        tables = read_memberships()
        views = [tables.view(group.endpoint.address, group.ifindex or 0) for group in groups]
        assert {view.users for view in views if view} == {1}
        assert len(views) == count
        if groups[-1].endpoint.family == 4:
            send_from(lab.host(2), b"to the last\n", group="239.0.7.207", port=5000)
            [packet] = await packets(node, 1)
            assert packet.destination == groups[-1].endpoint.address
        await node.leave(groups[0])
        assert read_memberships().view(groups[0].endpoint.address, groups[0].ifindex or 0) is None
    with host.entered():
        tables = read_memberships()
    assert not any(tables.view(group.endpoint.address, group.ifindex or 0) for group in groups)


async def test_of_many_groups_only_those_that_move_are_looked_at_and_none_is_forgotten(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[object] = []
    dropped = sockopt.dropped

    def count(sock: object) -> int:
        looked_at.append(sock)
        return dropped(sock)

    async with node_on(lab.host(1)) as node:
        groups = await node.join(parse_endpoint("239.5.0.0%eth0:5000+999"))
        for now in (1.0, 2.0, 3.0):
            node.sample(now)
        monkeypatch.setattr(sockopt, "dropped", count)
        node.sample(4.0)
        assert len(looked_at) <= IN_TURN
        for now in range(5, 10):
            node.sample(float(now))
        assert {group.intake.sock for group in groups} < set(looked_at)
        looked_at.clear()
        send_from(lab.host(2), b"tick\n", group="239.5.3.231", port=5000)
        await counted(groups[999], 1)
        await _until_moved(node, groups[999].id, 10.0)
        assert node.monitor.snapshot().groups[groups[999].id].bytes == 5
        assert node.monitor.snapshot().groups[groups[0].id].packets_per_s == 0.0


async def _until_moved(node, group_id: int, now: float) -> None:
    """Sample until the group's packet is in: the receiver marks its socket a moment after it has counted."""
    async with asyncio.timeout(PATIENCE_S):
        while node.sample(now).groups[group_id].packets != 1:
            now += 1.0
            await asyncio.sleep(0)


async def test_the_history_of_a_group_tells_its_silence_and_its_packets_apart(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("239.5.0.1%eth0:5000"))
        for now in (1.0, 2.0, 3.0):
            node.sample(now)
        send_from(lab.host(2), *[b"tick\n"] * 4, group="239.5.0.1", port=5000)
        await counted(group, 4)
        for now in (5.0, 6.0, 7.0):
            node.sample(now)
        assert node.monitor.history(group.id) == (0.0, 0.0, 2.0, 0.0, 0.0)
        for number in range(100):
            node.sample(8.0 + number)
        assert node.monitor.history(group.id) == (0.0,) * 60
        assert node.monitor.history(99) == ()


async def test_a_run_of_groups_beyond_the_open_files_is_refused_whole_with_what_helps(lab: Lab) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with node_on(lab.host(1)) as node:
        with socket.socket() as probe:
            next_free = probe.fileno()
        soft_now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (next_free + 100, hard))
        try:
            with pytest.raises(NetworkRefused, match=r"as many files open as it may \(EMFILE\).*ulimit -n"):
                await node.join(parse_endpoint("239.5.0.0%eth0:5000+999"))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft_now, hard))
        assert len(node.groups) == 0
        assert read_memberships().view(parse_endpoint("239.5.0.0").address, lab.host(1).ifindex) is None
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
