"""``mcast-tui listen``: print what arrives."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.options import receiving_options, require_endpoints, settings_from
from mcast_tui.cli.talk import talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.node import Node
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.columns import Packet

NOTHING_ARRIVED = 1
AT_ONCE = 500
"""Packets printed between two looks at signals and the clock: some 20 ms of work."""


@click.command()
@click.argument("endpoints", nargs=-1, metavar="ENDPOINT...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per packet.")
@click.option("-c", "--count", type=click.IntRange(1), help="End after this many packets.")
@click.option("-t", "--timeout", type=click.FloatRange(0, min_open=True), help="End after this many seconds.")
@click.option("--show-refused", is_flag=True, help="Print packets that --range or --source-port refuse, too.")
@receiving_options
def listen(
    endpoints: tuple[str, ...],
    *,
    as_json: bool,
    count: int | None,
    timeout: float | None,
    show_refused: bool,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Print what arrives at the ENDPOINTs: multicast, broadcast, and unicast to their ports.

    Ends at --count or --timeout, or when interrupted. Exit status 1 when nothing arrived.
    """
    chosen = require_endpoints(endpoints, "listen")
    settings = settings_from(values)
    from mcast_tui.cli.packet_format import packet_as_json, packet_as_text
    from mcast_tui.cli.running import run

    printer = _Printer(packet_as_json if as_json else packet_as_text, count, show_refused=show_refused)
    return run(_listen(chosen, settings, printer, timeout))


async def _listen(
    endpoints: list[Endpoint], settings: Settings, printer: _Printer, timeout_s: float | None
) -> int:
    import asyncio

    from mcast_tui.cli.running import announce
    from mcast_tui.services.node import Node

    async with Node(settings) as node:
        for endpoint in endpoints:
            announce(node, await node.join(endpoint))
        try:
            async with asyncio.timeout(timeout_s):
                await printer.follow(node)
        except TimeoutError:
            printer.print_until(node, node.ring.head)
        finally:
            printer.summarise(node)
    return 0 if printer.printed else NOTHING_ARRIVED


class _Printer:
    """Prints the ring as it grows, and at the end says what was lost on the way."""

    def __init__(
        self,
        render: Callable[[Packet, Callable[[int], str | None]], str],
        count: int | None,
        *,
        show_refused: bool,
    ) -> None:
        self._render = render
        self._count = count
        self._show_refused = show_refused
        self._cursor = 0
        self.printed = 0
        self.evicted = 0

    async def follow(self, node: Node) -> None:
        """Print what comes until the count is reached, a bounded number at a time."""
        import asyncio  # here, for --help does without

        while not self._is_done():
            await node.wait_beyond(self._cursor)
            self.print_until(node, min(node.ring.head, self._cursor + AT_ONCE))
            await asyncio.sleep(0)  # a backlog must not keep signals and the timeout waiting

    def _is_done(self) -> bool:
        return self._count is not None and self.printed >= self._count

    def print_until(self, node: Node, stop: int) -> None:
        """Print what is not printed yet and whole of the packets before `stop`, up to the count asked for."""
        names = {interface.index: interface.name for interface in node.interfaces}
        while self._cursor < stop and not self._is_done():
            packet = node.ring.packet(self._cursor)
            if packet is None:
                self._skip_evicted(node.ring.tail)
                continue
            self._cursor += 1
            if self._show_refused or not packet.refused:
                sys.stdout.write(self._render(packet, names.get) + "\n")
                self.printed += 1
                self.evicted += packet.payload is None  # the line says so too
        sys.stdout.flush()

    def _skip_evicted(self, tail: int) -> None:
        self.evicted += tail - self._cursor
        self._cursor = tail

    def summarise(self, node: Node) -> None:
        snapshot = node.monitor.sample(0)
        talk(
            f"{self.printed} packets printed, {snapshot.dropped} dropped by the kernel, "
            f"{self.evicted} evicted before they were printed whole, {snapshot.refused} refused"
        )
