"""Nodes on lab hosts, for tests: made with small rings, waited on by condition."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcast_tui.services.node import Node
from mcast_tui.services.settings import Settings
from tests.peers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcast_tui.services.group import Group
    from mcast_tui.services.lab.lan import Host
    from mcast_tui.wire.columns import Packet


@asynccontextmanager
async def node_on(host: Host, **settings: object) -> AsyncIterator[Node]:
    """Run a node whose sockets live on `host`."""
    chosen = Settings(ring_packets=10_000, ring_bytes=1 << 20, receive_buffer=1 << 20).override(**settings)
    with host.entered():
        async with Node(chosen) as node:
            yield node


async def counted(group: Group, count: int) -> None:
    """Wait until the socket's tally, which follows the ring by a moment, has reached `count`."""
    async with asyncio.timeout(PATIENCE_S):
        while group.intake.tally.packets < count:
            await asyncio.sleep(0)


def send_from(host: Host, *payloads: bytes, group: str = "224.1.0.1", port: int = 6666) -> None:
    """Send datagrams from port 40000 of another host, as fast as they go."""
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", 40_000))
        for payload in payloads:
            sock.sendto(payload, (group, port))


async def packets(node: Node, count: int) -> list[Packet]:
    """Wait for `count` packets and return all there are."""
    async with asyncio.timeout(PATIENCE_S):
        await node.wait_beyond(count - 1)
    found = [node.ring.packet(number) for number in range(node.ring.head)]
    return [packet for packet in found if packet is not None]
