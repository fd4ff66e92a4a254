"""``mcast-tui serve``: a command for each datagram, and what it prints as the answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.options import raw_option, receiving_options, require_places, settings_from
from mcast_tui.cli.print_socat import print_socat_lines, print_socat_option
from mcast_tui.cli.sending.departure import Finite, tos_option
from mcast_tui.cli.talk import talk
from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from mcast_tui.net.sender import SendOptions
    from mcast_tui.services.node import Node
    from mcast_tui.services.process.command import Command
    from mcast_tui.services.serve.server import Server, Terms
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place

LARGEST = 100_000
"""Commands at once, and requests waiting: more is a slip of the finger."""


class _BeforeCommand(click.Command):
    """What stands after ``--`` is a command with arguments of its own, whatever it looks like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours, theirs = args, None
        if "--" in args:
            at = args.index("--")
            ours, theirs = args[:at], args[at + 1 :]
        rest = super().parse_args(ctx, ours)
        ctx.params["words"] = theirs
        return rest

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "[-- COMMAND...]"]


@click.command(cls=_BeforeCommand)
@click.argument("endpoints", nargs=-1, metavar="ENDPOINT...")
@click.option("--shell", metavar="STRING", help="Have /bin/sh run STRING, in place of a COMMAND.")
@click.option(
    "--reply",
    "mode",
    type=click.Choice(["whole", "line", "chunk"]),
    default="whole",
    show_default=True,
    help="One answer of all it prints, one per line, or one per write, a too long one cut.",
)
@click.option(
    "--max-children",
    type=click.IntRange(1, LARGEST),
    help="Commands at once. [default: two per core, at least 4]",
)
@click.option(
    "--queue",
    type=click.IntRange(1, LARGEST),
    default=4096,
    show_default=True,
    help="Requests that may wait. What finds it full is refused and counted.",
)
@click.option(
    "-t",
    "--timeout",
    "timeout_s",
    type=Finite(0, min_open=True),
    default=10.0,
    show_default=True,
    help="Seconds a command may take before it is killed, with all it started.",
)
@click.option(
    "--ttl",
    "hop_limit",
    type=click.IntRange(1, 255),
    help="TTL or hop limit of answers. [default: the kernel's]",
)
@tos_option
@click.option("-c", "--count", type=click.IntRange(1), help="End after this many requests.")
@click.option("-v", "--verbose", is_flag=True, help="A line on stderr for each request.")
@raw_option
@receiving_options
@print_socat_option
def serve(
    endpoints: tuple[str, ...],
    *,
    words: list[str] | None,
    shell: str | None,
    mode: str,
    max_children: int | None,
    queue: int,
    timeout_s: float,
    hop_limit: int | None,
    tos: int | None,
    count: int | None,
    verbose: bool,
    raw: int | None,
    print_socat: bool,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Run COMMAND for each datagram that arrives at the ENDPOINTs; what it prints goes back to the sender.

    The payload is its standard input, never part of a command line. MCAST_SOURCE, MCAST_SOURCE_PORT,
    MCAST_DESTINATION and the other facts of the packet are in its environment, and under socat's names
    (SOCAT_PEERADDR, ...). An ENDPOINT is a group, broadcast, or an address of this host.

    \b
    mcast-tui serve 224.1.0.1:6666 -- hostname
    mcast-tui serve broadcast:6666 --shell 'tr a-z A-Z'

    Anyone who can send to the port can have COMMAND run: --range and --source-port say who may, but
    addresses are easily forged. Ends at --count, or when interrupted; then nothing it started runs on.
    """  # noqa: D301 - \b is click's
    places = require_places(endpoints, "serve", raw, serves=True)
    command = _command(words, shell)
    settings = settings_from(values, places)
    if print_socat:
        said = [
            replace(
                place,
                unicast_hop_limit=place.unicast_hop_limit if hop_limit is None else hop_limit,
                traffic_class=place.traffic_class if tos is None else tos,
                most_children=max_children or place.most_children,
            )
            for place in places
        ]
        return _print_socat(said, settings, words, shell)
    from mcast_tui.cli.running import run
    from mcast_tui.services.serve.replies import Mode
    from mcast_tui.services.serve.server import Terms, default_max_children

    at_once = max_children or _most_children(places) or default_max_children()
    options = _answer_options(places, hop_limit, tos)
    terms = Terms(command, Mode(mode), at_once, queue, timeout_s, options, count)
    return run(_serve(places, settings, terms, verbose=verbose))


def _answer_options(places: list[Place], hop_limit: int | None, tos: int | None) -> SendOptions:
    """Return how answers leave: by the options, else as every place says; raises where two places differ."""
    from mcast_tui.net.sender import SendOptions

    said = {(place.unicast_hop_limit, place.traffic_class) for place in places}
    if len(said) > 1 and (hop_limit is None or tos is None):
        remedy = "Say --ttl and --tos, or run one server for each."
        raise UsageError("answer at all these endpoints", "their ttl or tos differ", remedy=remedy)
    [(their_limit, their_class), *_] = said
    return SendOptions(
        hop_limit=their_limit if hop_limit is None else hop_limit,
        traffic_class=their_class if tos is None else tos,
    )


def _most_children(places: list[Place]) -> int | None:
    """Return the bound that a socat address says, the lowest where several do."""
    return min((place.most_children for place in places if place.most_children), default=None)


def _print_socat(places: list[Place], settings: Settings, words: list[str] | None, shell: str | None) -> int:
    from mcast_tui.wire.socat.address import CommandAddress
    from mcast_tui.wire.socat.line import answering, asking

    command = CommandAddress("", None if words is None else tuple(words), shell)
    return print_socat_lines(places, settings, lambda at, local: answering(at, command, local), asking)


def _command(words: list[str] | None, shell: str | None) -> Command:
    """Return what to run: the words after ``--``, or a shell's line; exactly one of the two."""
    from mcast_tui.services.process.command import find_command, shell_command

    if words and shell is not None:
        raise UsageError(
            "run a command", "there are two", remedy="Give --shell STRING or -- COMMAND, not both."
        )
    if shell is not None:
        return shell_command(shell)
    if not words:
        raise UsageError(
            "run a command",
            "there is none",
            remedy="Write it last, after --; for a shell's line use --shell.",
            command="mcast-tui serve 224.1.0.1:6666 -- hostname",
        )
    return find_command(words)


async def _serve(places: list[Place], settings: Settings, terms: Terms, *, verbose: bool) -> int:
    from mcast_tui.cli.running import announce, tell_interfaces
    from mcast_tui.services.joining import admission_of
    from mcast_tui.services.node import Node
    from mcast_tui.services.serve.doors import Doors
    from mcast_tui.services.serve.server import Server

    async with Node(settings) as node:
        tell_interfaces(node)
        doors = Doors(node)
        server = Server(node, doors, terms, talk, tell_each=verbose, adopts=True)
        for place in places:
            groups = await doors.open(place.endpoint, admission_of(place))
            if groups:
                announce(node, groups)
            else:
                talk(f"listening to {place}")
        talk(f"serving with {terms.command.path}, at most {terms.max_children} at once")
        try:
            await server.run()
        finally:
            _summarise(server, node)
    return 0


def _summarise(server: Server, node: Node) -> None:
    seen = node.monitor.sample(0)
    dropped = "an unknown number" if seen.dropped is None else seen.dropped
    refused = f", {seen.refused} refused by range or source port" if seen.refused else ""
    talk(f"{server.tally}{refused}, {dropped} dropped by the kernel")
