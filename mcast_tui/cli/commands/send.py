"""``mcast-tui send``: datagrams out, one per TEXT, per line of standard input, or of a file."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from mcast_tui.cli.options import raw_option, sending_options, settings_from
from mcast_tui.cli.print_socat import print_socat_lines, print_socat_option
from mcast_tui.cli.sending.departure import (
    WAIT,
    Finite,
    bind_option,
    departure,
    destination_at,
    parse_bind,
    tos_option,
)
from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.place import Place

NOBODY_ANSWERED = 1


@click.command()
@click.argument("endpoint", metavar="ENDPOINT")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("-x", "--hex", "is_hex", is_flag=True, help="Read TEXT, or each line, as hexadecimal bytes.")
@click.option("-f", "--file", metavar="PATH", help="Send this file as one datagram; - is standard input.")
@click.option("-n", "--no-newline", is_flag=True, help="Send text as it is, without a line end.")
@click.option(
    "--repeat",
    type=click.IntRange(0),
    metavar="N",
    default=1,
    help="Send everything N times over; 0: until interrupted. A line of stdin goes N times as it comes.",
)
@click.option(
    "--interval", type=Finite(0, 1e6, min_open=True), metavar="SECONDS", help="From one to the next."
)
@click.option("--rate", type=Finite(1e-6, 1e9), metavar="PACKETS/S", help="The same, as packets a second.")
@click.option("-y", "--yes", is_flag=True, help="Go above 1000 packets/s, or as fast as it goes.")
@click.option(
    "--wait",
    type=WAIT,
    metavar="SECONDS",
    help="Then print what the one address sent to answers, and only that, for so long.",
)
@click.option("-i", "--interface", metavar="IF", help="Interface to send by, where the endpoint names none.")
@click.option(
    "--source-port",
    type=click.IntRange(0, 65535),
    help="Send from this port; 0 lets the kernel choose. [default: the group's port when it is free]",
)
@bind_option
@tos_option
@sending_options
@raw_option
@print_socat_option
def send(
    endpoint: str,
    texts: tuple[str, ...],
    *,
    is_hex: bool,
    file: str | None,
    no_newline: bool,
    repeat: int,
    interval: float | None,
    rate: float | None,
    yes: bool,
    wait: float | None,
    interface: str | None,
    source_port: int | None,
    bind: str | None,
    tos: int | None,
    hop_limit: int | None,
    loop: bool | None,
    raw: int | None,
    print_socat: bool,
) -> int:
    """Send to a group, a broadcast or a unicast address: one datagram per TEXT, else per line of stdin.

    Each is text and a newline, as the peers of the socat tutorial send it; hexadecimal and files go as
    they are. A TEXT that begins with - follows a --. What went out, whence and by which interface is
    told on stderr. To groups, interface, TTL and loop are those of the settings where no option says
    otherwise.

    Nothing leaves faster than 1000 packets/s unless --yes is given: a --rate above it is refused, and
    without one it is kept to. Exit status 1 when --wait heard no answer, 3 or 4 when the kernel refuses;
    what was sent until then stays sent, and is told.
    """
    from mcast_tui.cli.sending.dispatch import dispatch
    from mcast_tui.cli.sending.pacing import FASTEST_UNASKED, pace_asked
    from mcast_tui.cli.sending.report import Report

    terms = {"outgoing": interface, "hop_limit": hop_limit, "loop": loop, "traffic_class": tos}
    place = destination_at(endpoint, raw, local_port=source_port, **terms)
    destination = place.endpoint
    asked = pace_asked(rate, interval, endless=repeat == 0, yes=yes)
    source, port = _source(bind, place.local_port, destination)
    if print_socat:
        to_many = destination.is_multicast or destination.is_limited_broadcast
        place = replace(place, local_port=port or None)
        return _print_socat(place, source, wait, bound=to_many and port != 0)
    leaving = departure(place, source)
    if wait is not None:
        _refuse_many(destination)
    end = b"" if no_newline else b"\n"
    payloads = _payloads(texts, file, end, repeat, destination, is_hex=is_hex)
    rate = asked or (None if yes else FASTEST_UNASKED)
    report = Report(leaving, asked, is_held=not yes)
    was_answered = dispatch(payloads, destination, port, leaving, report, rate=rate, wait_s=wait)
    return 0 if was_answered else NOBODY_ANSWERED


def _print_socat(place: Place, source: Address | None, wait_s: float | None, *, bound: bool) -> int:
    from mcast_tui.wire.socat.line import exchanging, listening, sending

    settings = settings_from({"interface": place.outgoing})
    own = partial(sending, bound=bound, source=source)
    if wait_s is not None:
        own = partial(exchanging, wait_s=wait_s, bound=bound, source=source)
    return print_socat_lines([place], settings, own, listening)


def _source(
    bind: str | None, source_port: int | None, destination: Endpoint
) -> tuple[Address | None, int | None]:
    """Return the address and the port to send from, as far as they are named."""
    address, port = parse_bind(bind) if bind is not None else (None, None)
    if port is not None and source_port not in {None, port}:
        raise UsageError(
            f"send from {bind}", f"--source-port says {source_port}", remedy="Leave one of them out."
        )
    port = source_port if port is None else port
    if destination.protocol is not None and port:
        raise UsageError(f"send to {destination} from port {port}", "raw IP has no ports")
    return address, port


def _refuse_many(destination: Endpoint) -> None:
    """Raise where ``--wait`` could never hear anything: a group has no address of its own to answer from."""
    from mcast_tui.net.interfaces import list_interfaces
    from mcast_tui.services.placement import kind_of
    from mcast_tui.wire.scope import Kind

    kind = kind_of(destination, list_interfaces())
    if kind not in {Kind.UNICAST, Kind.NETWORK_ADDRESS}:
        raise UsageError(
            f"wait for {destination} to answer",
            f"hosts answer from addresses of their own, never from a {kind.value} address",
            remedy="To hear them all, use query.",
            command=f"mcast-tui query {destination}",
        )


def _payloads(
    texts: tuple[str, ...], file: str | None, end: bytes, repeat: int, destination: Endpoint, *, is_hex: bool
) -> Iterable[bytes]:
    """Return what to send, in order; what the command line holds is read and checked before."""
    from mcast_tui.cli.sending.payloads import file_payload, hex_payload, line_payloads, text_payload
    from mcast_tui.net.sender import LONGEST_PAYLOAD, LONGEST_RAW_PAYLOAD

    if file is not None:
        if texts or is_hex:
            what = "TEXT" if texts else "--hex"
            raise UsageError(f"send {file}", f"{what} is given too", remedy=f"Leave out --file or {what}.")
        longest = (LONGEST_PAYLOAD if destination.protocol is None else LONGEST_RAW_PAYLOAD)[
            destination.family
        ]
        return _over([file_payload(file, longest)], repeat)
    if texts:
        return _over([hex_payload(text) if is_hex else text_payload(text, end) for text in texts], repeat)
    if not repeat:
        raise UsageError(
            "repeat lines of standard input without an end",
            "the second would never be sent",
            remedy="Give the TEXT on the command line, or --file - for all of it as one datagram.",
        )
    lines = line_payloads(sys.stdin.buffer, end, is_hex=is_hex)
    return (payload for payload in lines for _ in range(repeat))


def _over(payloads: Sequence[bytes], repeat: int) -> Iterator[bytes]:
    """Yield them all, over and over again: `repeat` times, or without an end for 0."""
    from itertools import count

    for _ in range(repeat) if repeat else count():
        yield from payloads
