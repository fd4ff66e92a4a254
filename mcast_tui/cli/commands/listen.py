"""``mcast-tui listen``: print what arrives."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.hooks import events_option, hook_options, take_told, telling_of
from mcast_tui.cli.options import raw_option, receiving_options, require_places, settings_from
from mcast_tui.cli.print_socat import print_socat_lines, print_socat_option
from mcast_tui.cli.printing.fields import FIELDS, choose_fields
from mcast_tui.cli.sources import from_sources, without_blocked
from mcast_tui.cli.streams import shows_colour
from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.cli.hooks import Told
    from mcast_tui.cli.printing.packet_lines import Format
    from mcast_tui.cli.printing.printer import Printer
    from mcast_tui.services.node import Node
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place

NOTHING_ARRIVED = 1


def _check_seconds(_context: click.Context, _option: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):
        raise click.BadParameter(f"{seconds} is no number of seconds.")
    return seconds


@click.command()
@click.argument("endpoints", nargs=-1, metavar="ENDPOINT...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per packet.")
@click.option("--hex", "as_hex", is_flag=True, help="The text line, and under it a hex dump of the payload.")
@click.option(
    "--raw-payload", is_flag=True, help="The payloads as they are, with nothing between; for pipes."
)
@click.option("--force", is_flag=True, help="Write --raw-payload to a terminal, which any bytes may upset.")
@click.option(
    "--fields",
    metavar="A,B,C",
    help="Only these fields, in this order: a tab between them, or with --json as keys. "
    f"Known: {', '.join(FIELDS)}.",
)
@click.option("-c", "--count", type=click.IntRange(1), help="End after this many packets.")
@click.option(
    "-t",
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    callback=_check_seconds,
    help="End after this many seconds.",
)
@click.option(
    "--source",
    "sources",
    metavar="ADDRESS",
    multiple=True,
    help="Join groups from this source only (SSM), where the endpoint names none; repeatable.",
)
@click.option(
    "--block",
    "blocked",
    metavar="ADDRESS",
    multiple=True,
    help="Have the kernel keep this source out of groups joined from any source; repeatable.",
)
@click.option(
    "--own/--no-own", default=True, help="Whether to print what this host itself sent. [default: own]"
)
@click.option("--show-refused", is_flag=True, help="Print packets that --range or --source-port refuse, too.")
@hook_options("join", "leave", "querier-lost", "stall")
@events_option
@raw_option
@print_socat_option
@receiving_options
def listen(
    endpoints: tuple[str, ...],
    *,
    count: int | None,
    timeout: float | None,
    sources: tuple[str, ...],
    blocked: tuple[str, ...],
    own: bool,
    show_refused: bool,
    raw: int | None,
    print_socat: bool,
    as_json: bool,
    as_hex: bool,
    raw_payload: bool,
    force: bool,
    fields: str | None,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Print what arrives at the ENDPOINTs: multicast, broadcast, and unicast to their ports.

    Nothing is ever sent. Ends at --count or --timeout, when interrupted, or when the reader of
    standard output is gone. Exit status 1 when nothing arrived.
    """
    places = without_blocked(from_sources(require_places(endpoints, "listen", raw), sources), blocked)
    _refuse_contradictions(
        as_json=as_json, as_hex=as_hex, raw_payload=raw_payload, fields=fields, force=force
    )
    names = None if fields is None else choose_fields(fields)
    told = take_told(values)
    settings = settings_from(values, places)
    if print_socat:
        from mcast_tui.wire.socat.line import listening, sending

        return print_socat_lines(places, settings, listening, sending)
    from mcast_tui.cli.printing.packet_lines import FieldLines, JsonLines, RawPayload, TextLines
    from mcast_tui.cli.printing.printer import Printer
    from mcast_tui.cli.running import run

    form: Format
    if raw_payload:
        form = RawPayload()
    elif as_json:
        form = JsonLines(names)
    elif names is not None:
        form = FieldLines(names)
    else:
        form = TextLines(colour=shows_colour(), dump=as_hex)

    def printer(node: Node) -> Printer:
        return Printer(node, form, count, own=own, refused=show_refused)

    return run(_listen(places, settings, printer, timeout, told))


async def _listen(
    places: list[Place],
    settings: Settings,
    printer_of: Callable[[Node], Printer],
    timeout_s: float | None,
    told: Told,
) -> int:
    from mcast_tui.cli.running import announce, tell_interfaces
    from mcast_tui.cli.talk import talk
    from mcast_tui.services.joining import admission_of
    from mcast_tui.services.node import Node

    async with Node(settings) as node, telling_of(node, told, talk):
        tell_interfaces(node)
        printer = printer_of(node)
        for place in places:
            announce(node, await node.join(place.endpoint, admission_of(place), place.sources))
        async with printer.output:
            try:
                await printer.follow(timeout_s)
            finally:
                try:
                    await printer.output.finish()
                finally:
                    printer.summarise()
    return 0 if printer.printed else NOTHING_ARRIVED


def _refuse_contradictions(
    *, as_json: bool, as_hex: bool, raw_payload: bool, fields: str | None, force: bool
) -> None:
    """Raise `UsageError` for options of which one would have to be ignored, and for bytes to a terminal."""
    formats = {"--json": as_json, "--hex": as_hex, "--raw-payload": raw_payload}
    chosen = [name for name, is_chosen in formats.items() if is_chosen]
    if len(chosen) > 1:
        raise UsageError(f"print {' and '.join(chosen)}", "each is a format of its own", remedy="Choose one.")
    if fields is not None and (as_hex or raw_payload):
        raise UsageError(
            f"print --fields with {chosen[0]}",
            "that format has no fields",
            remedy="Fields go with text and with --json; payload_hex is one of them.",
        )
    if force and not raw_payload:
        raise UsageError("use --force", "it means something only with --raw-payload", remedy="Leave it out.")
    if raw_payload and not force and os.isatty(sys.stdout.fileno()):
        raise UsageError(
            "write payloads as they are to a terminal",
            "anyone on the network could send it escape sequences",
            remedy="Send the output to a pipe or a file, use --hex, or insist with --force.",
        )
