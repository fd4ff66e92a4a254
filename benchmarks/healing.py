"""What an interface can do under joined groups: how soon packets flow again on a switch that snoops.

The switch has heard a querier once and hears none again, so it delivers to members only, and nobody
asks them to report: what flows again after a cable was out, or a card was new, does because we said so.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from benchmarks.machine import PATIENCE_S
from benchmarks.outcome import Effort, Outcome, Table, Verdict, median
from mcast_tui.services.lab.classroom.resident.querier import Querier
from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.node import Node
from mcast_tui.services.settings import Settings
from mcast_tui.wire.address import parse_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.group import Group
    from mcast_tui.services.lab.host import Host

BUDGET_MS = 2000.0
GROUPS = ("239.5.5.5%eth0:5000", "192.168.10.2,232.5.5.5%eth0:5000", "[ff15::55%eth0]:5000")
"""Any source, one source, IPv6: of that no querier was ever heard, so the switch floods it."""
UNJOINED = "239.9.9.9"
SETTLE_S = 1.2
"""A join is reported once more within 1 s: RFC 3376 section 8.11."""
PACE_S = 0.002
OTHER_INDEX = 20
"""Added to the index of an interface that comes back under another one."""


@dataclass(frozen=True)
class Change:
    """Something that happens to host 1's interface: what takes it away, and what brings it back."""

    name: str
    away: Callable[[], object]
    back: Callable[[], object]


def measure(_: Lab, effort: Effort) -> Outcome:
    """Do so on a LAN of our own: interfaces come and go, and the other benchmarks need theirs."""
    times: dict[str, list[list[float]]] = {}
    for _run in range(effort.joins):
        with Lab(2, snooping=True) as lan, lan.host(1).entered():
            for name, seconds in asyncio.run(_changes(lan)).items():
                times.setdefault(name, []).append(seconds)
    rows = [
        (name, *(f"{median(each) * 1000:.0f}" for each in zip(*runs, strict=True)), f"{_longest(runs):.2f}")
        for name, runs in times.items()
    ]
    return Outcome(
        "healing",
        [
            Table(
                "From what happens to the interface to the next packet, ms (median), on a snooping switch",
                ("", "any source", "one source", "IPv6", "longest, s"),
                tuple(rows),
            )
        ],
        [Verdict("the longest time to heal", max(map(_longest, times.values())) * 1000, "ms", BUDGET_MS)],
        data={"seconds": times},
    )


def _longest(runs: list[list[float]]) -> float:
    return max(max(seconds) for seconds in runs)


async def _changes(lan: Lab) -> dict[str, list[float]]:
    host = lan.host(1)
    async with Node(Settings()) as node:
        groups = [group for each in GROUPS for group in await node.join(parse_endpoint(each))]
        with Stream(lan.host(2)) as stream:
            await _until_snooping(stream, lan)
            seconds = {}
            for change in _all_changes(lan, host):
                await asyncio.to_thread(change.away)
                before = node.ring.head
                begun = time.time_ns()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(asyncio.to_thread(change.back))
                    flow = tasks.create_task(_packets_flow(stream, node, groups, before, begun))
                seconds[change.name] = [(at - begun) / 1e9 for at in flow.result()]
    return seconds


def _all_changes(lan: Lab, host: Host) -> list[Change]:
    def ip(*lines: str) -> None:
        for line in lines:
            host.run(["ip", *line.split()])

    remove, insert = partial(lan.remove, 1), partial(lan.insert, 1)
    index = host.ifindex
    address, another = "192.168.10.1/24 dev eth0", "192.168.10.77/24 dev eth0"
    return [
        Change("cable out and in", partial(lan.cut, 1), partial(lan.plug, 1)),
        Change("link down and up", partial(ip, "link set eth0 down"), partial(ip, "link set eth0 up")),
        Change("another address", lambda: None, partial(ip, f"addr del {address}", f"addr add {another}")),
        Change(
            "renamed",
            partial(ip, "link set eth0 down", "link set eth0 name wan0"),
            partial(ip, "link set wan0 up"),
        ),
        Change(
            "named as before",
            partial(ip, "link set wan0 down", "link set wan0 name eth0"),
            partial(ip, "link set eth0 up"),
        ),
        Change("deleted, back under the same index", remove, partial(insert, ifindex=index)),
        Change("deleted, back under another index", remove, partial(insert, ifindex=index + OTHER_INDEX)),
    ]


class Stream:
    """Host 2, sending to all groups."""

    def __init__(self, host: Host) -> None:
        with host.entered():
            self._four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self._scope = socket.if_nametoindex(host.interface)

    def tick(self) -> None:
        """Send one packet to each group."""
        for group in ("239.5.5.5", "232.5.5.5"):
            self._four.sendto(b"tick\n", (group, 5000))
        self._six.sendto(b"tick\n", ("ff15::55", 5000, 0, self._scope))

    def to_nobody(self, count: int) -> None:
        for _ in range(count):
            self._four.sendto(b"tick\n", (UNJOINED, 5000))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._four.close()
        self._six.close()


async def _until_snooping(stream: Stream, lan: Lab) -> None:
    """Let host 2 ask once; return when the switch keeps from host 1 what it did not join."""
    with lan.host(2).entered():
        querier = Querier(interface=lan.host(2).interface, version=3, interval_s=125, response_s=0.1)
    querier.send(0)
    querier.close()
    async with asyncio.timeout(PATIENCE_S):
        count, received = 20, 20
        while received >= count:
            before = _packets_in(lan.host(1))
            stream.to_nobody(count)
            await asyncio.sleep(0.05)
            received = _packets_in(lan.host(1)) - before
    await asyncio.sleep(SETTLE_S)


def _packets_in(host: Host) -> int:
    """Return how many packets came in by the host's interface."""
    lines = Path(f"/proc/{host.pid}/net/dev").read_text("ascii").splitlines()
    [line] = [line for line in lines if line.strip().startswith(f"{host.interface}:")]
    return int(line.partition(":")[2].split()[1])


async def _packets_flow(
    stream: Stream, node: Node, groups: list[Group], before: int, begun: int
) -> list[int]:
    """Send until each group has a packet that came after `begun`; return when each did (kernel time)."""
    arrived: dict[int, int] = {}
    async with asyncio.timeout(PATIENCE_S):
        while len(arrived) < len(groups):
            stream.tick()
            await asyncio.sleep(PACE_S)
            for packet in map(node.ring.packet, range(before, node.ring.head)):
                if packet is not None and packet.received_at > begun:
                    of = next(
                        i for i, each in enumerate(groups) if each.endpoint.address == packet.destination
                    )
                    arrived.setdefault(of, packet.received_at)
            before = node.ring.head
    return [arrived[of] for of in range(len(groups))]
