"""``mcast-tui send``: datagrams out, one per TEXT or per line of standard input."""

from __future__ import annotations

import errno
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from mcast_tui.cli.options import sending_options, settings_from
from mcast_tui.cli.talk import talk

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from mcast_tui.net.sender import SendOptions
    from mcast_tui.wire.address import Endpoint


@click.command()
@click.argument("endpoint", metavar="ENDPOINT")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("-i", "--interface", metavar="IF", help="Interface to send by, unless the endpoint names one.")
@click.option(
    "--source-port",
    type=click.IntRange(0, 65535),
    help="Send from this port; 0 lets the kernel choose. [default: the group's port when it is free]",
)
@click.option("-n", "--no-newline", is_flag=True, help="Send TEXT as it is, without a line end.")
@sending_options
def send(
    endpoint: str,
    texts: tuple[str, ...],
    *,
    interface: str | None,
    source_port: int | None,
    no_newline: bool,
    hop_limit: int | None,
    loop: bool | None,
) -> int:
    """Send to a group, a broadcast or a unicast address: one datagram per TEXT, else per line of stdin.

    Each is text and a newline, as the peers of the socat tutorial send it. What went out is told on
    stderr. To groups, interface, TTL and loop are those of the settings where no option says otherwise.
    Exit status 3 or 4 when the kernel refuses; what was sent until then stays sent.
    """
    from mcast_tui.wire.address import parse_endpoint

    destination = parse_endpoint(endpoint)
    options, name = _options(destination, interface, hop_limit, loop=loop)
    payloads = _payloads(texts, b"" if no_newline else b"\n")
    with ExitStack() as resources:
        sock = resources.enter_context(_open_source(destination, source_port))
        for payload in payloads:
            _send_all(sock, payload, destination, options, name)
    return 0


def _options(
    destination: Endpoint, interface: str | None, hop_limit: int | None, *, loop: bool | None
) -> tuple[SendOptions, str | None]:
    """Return how to send and by which interface: as asked, else as set for groups, else as routed."""
    from mcast_tui.net.interfaces import list_interfaces, resolve_interface
    from mcast_tui.net.sender import SendOptions

    if destination.is_multicast:
        settings = settings_from({"interface": interface, "hop_limit": hop_limit, "loop": loop})
        interface, hop_limit, loop = settings.interface, settings.hop_limit, settings.loop
    elif destination.is_limited_broadcast:
        interface = settings_from({"interface": interface}).interface
    name = destination.interface or interface
    chosen = resolve_interface(name, list_interfaces()) if name else None
    options = SendOptions(
        hop_limit=hop_limit,
        loop=loop is not False,
        ifindex=chosen.index if chosen else None,
        source=chosen.ipv4 if chosen and chosen.is_loopback else None,
    )
    return options, chosen.name if chosen else None


def _payloads(texts: tuple[str, ...], end: bytes) -> Iterator[bytes]:
    """Yield each TEXT, or each line of standard input as it comes, with the line end asked for."""
    if texts:
        for text in texts:
            yield text.encode("utf-8", "surrogateescape") + end
        return
    import sys

    for line in sys.stdin.buffer:
        yield line.removesuffix(b"\n") + end


def _open_source(destination: Endpoint, source_port: int | None) -> socket.socket:
    """Open the socket to send from: the port asked for, else the group's, else any and say so."""
    from mcast_tui.errors import McastError
    from mcast_tui.net.ports import open_ephemeral, open_port

    to_many = destination.is_multicast or destination.is_limited_broadcast
    wants_group_port = source_port is None and to_many
    if source_port or wants_group_port:
        try:
            return open_port(destination.family, source_port or destination.port, receive_buffer=SMALL_BUFFER)
        except McastError as refusal:
            if source_port or refusal.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
            talk(f"port {destination.port} is not to be had here, sending from another: {refusal.reason}")
    return open_ephemeral(destination.family)


SMALL_BUFFER = 4096
"""Nothing is read from a socket that only sends."""


def _send_all(
    sock: socket.socket, payload: bytes, destination: Endpoint, options: SendOptions, interface: str | None
) -> None:
    """Send one datagram to each address of the endpoint's run and say where it went."""
    from mcast_tui.net.sender import send_datagram

    for single in destination.each():
        sock.setblocking(True)
        sent = send_datagram(sock, payload, single.address, single.port, options, interface_name=interface)
        by = f" by {interface}" if interface else ""
        talk(f"sent {sent.length} bytes to {single} from port {sent.source_port}{by}")
