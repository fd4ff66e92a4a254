"""``mcast-tui query``: ask a group, a broadcast address or a host, and see who answers what, and how fast."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.options import raw_option, receiving_options, sending_options, settings_from
from mcast_tui.cli.print_socat import print_socat_lines, print_socat_option
from mcast_tui.cli.sending.departure import (
    WAIT,
    bind_option,
    departure,
    destination_at,
    parse_bind,
    tos_option,
)
from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.place import Place


@click.command()
@click.argument("endpoint", metavar="ENDPOINT")
@click.argument("text", required=False)
@click.option("-w", "--wait", type=WAIT, default=2.0, show_default=True, help="Seconds to wait for answers.")
@click.option("-c", "--count", type=click.IntRange(1), help="End after this many answers.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object per answer, as listen --json, with rtt_ns."
)
@click.option("--raw-payload", is_flag=True, help="The answers as they are, with nothing between; for pipes.")
@click.option("-x", "--hex", "is_hex", is_flag=True, help="Read TEXT, or each line, as hexadecimal bytes.")
@click.option("-n", "--no-newline", is_flag=True, help="Ask with the text as it is, without a line end.")
@click.option(
    "--from-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Ask from this port; other programs can share it, and take answers. [default: one only we have]",
)
@bind_option
@click.option("--own", is_flag=True, help="Print our own questions, too, where they come back to us.")
@click.option("--show-refused", is_flag=True, help="Print answers that --range or --source-port refuse, too.")
@tos_option
@sending_options
@receiving_options
@raw_option
@print_socat_option
def query(
    endpoint: str,
    text: str | None,
    *,
    wait: float,
    count: int | None,
    as_json: bool,
    raw_payload: bool,
    is_hex: bool,
    no_newline: bool,
    from_port: int,
    bind: str | None,
    own: bool,
    show_refused: bool,
    tos: int | None,
    raw: int | None,
    print_socat: bool,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Send TEXT, else each line of stdin, and print what comes back to the port it was sent from.

    Each answer has the time since the last question that was sent before it arrived. Ends when nothing
    more is to be asked and --wait is over, or at --count. --source-port and --range say whose answers
    are accepted; --from-port is the port we ask from. Nothing is joined. With --raw the answers are all
    packets of that protocol to this host. Exit status 1 when nobody answered.
    """
    place = destination_at(
        endpoint,
        raw,
        outgoing=values["interface"],
        hop_limit=values["hop_limit"],
        loop=values["loop"],
        traffic_class=tos,
        local_port=from_port or None,
    )
    destination = place.endpoint
    _refuse_contradictions(as_json=as_json, raw_payload=raw_payload)
    source, from_port = _source(bind, place.local_port or 0, destination)
    settings = _admitting(place, settings_from(values, [place]))
    if print_socat:
        return _print_socat(replace(place, local_port=from_port or None), source, wait, settings)
    leaving = departure(place, source)
    end = b"" if no_newline else b"\n"
    payload = None if text is None else _payload(text, end, is_hex=is_hex)
    from mcast_tui.cli.running import run
    from mcast_tui.cli.sending.answer_lines import answer_as_json, answer_as_payload, answer_as_text
    from mcast_tui.cli.sending.asking import Asked, ask

    render = answer_as_json if as_json else answer_as_payload if raw_payload else answer_as_text
    asked = Asked(
        destination, leaving, payload, end, is_hex, from_port, wait, count, own=own, refused=show_refused
    )
    return run(ask(settings, asked, render))


def _refuse_contradictions(*, as_json: bool, raw_payload: bool) -> None:
    """Raise `UsageError` for options of which one would have to be ignored, and for bytes to a terminal."""
    if as_json and raw_payload:
        raise UsageError(
            "print --json and --raw-payload", "each is a format of its own", remedy="Choose one."
        )
    if raw_payload and os.isatty(sys.stdout.fileno()):
        raise UsageError(
            "write answers as they are to a terminal",
            "anyone on the network could send it escape sequences",
            remedy="Send the output to a pipe or a file.",
        )


def _admitting(place: Place, settings: Settings) -> Settings:
    """Return the settings with whom the place accepts, where no option says whom."""
    return settings.override(
        ranges=settings.ranges or place.ranges, source_port=settings.source_port or place.source_port
    )


def _print_socat(place: Place, source: Address | None, wait_s: float, settings: Settings) -> int:
    from mcast_tui.wire.socat.line import HOSTNAME, answering, asking

    return print_socat_lines(
        [place],
        settings,
        partial(asking, source=source, wait_s=wait_s),
        lambda at, local: answering(at, HOSTNAME, local),
    )


def _source(bind: str | None, from_port: int, destination: Endpoint) -> tuple[Address | None, int]:
    """Return the address to ask from, None to leave it to the kernel, and the port."""
    address, port = parse_bind(bind) if bind is not None else (None, None)
    if port is not None and from_port not in {0, port}:
        raise UsageError(f"ask from {bind}", f"--from-port says {from_port}", remedy="Leave one of them out.")
    chosen = port or from_port
    if destination.protocol is not None and chosen:
        raise UsageError(f"ask {destination} from port {chosen}", "raw IP has no ports")
    return address, chosen


def _payload(text: str, end: bytes, *, is_hex: bool) -> bytes:
    from mcast_tui.cli.sending.payloads import hex_payload, text_payload

    return hex_payload(text) if is_hex else text_payload(text, end)
