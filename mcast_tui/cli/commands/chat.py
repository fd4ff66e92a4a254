"""``mcast-tui chat``: the conversation as plain lines, for pipes and screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.hooks import hook_options, take_told, telling_of
from mcast_tui.cli.options import receiving_options, require_places, sending_options, settings_from
from mcast_tui.cli.print_socat import print_socat_lines, print_socat_option
from mcast_tui.cli.sending.departure import Finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.cli.hooks import Told
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place


LINGER_S = 0.5
"""As long as socat waits for answers after the end of its input."""


@click.command()
@click.argument("endpoints", nargs=-1, metavar="ENDPOINT...")
@click.option(
    "-l",
    "--linger",
    type=Finite(0),
    default=LINGER_S,
    show_default=True,
    help="Seconds to keep listening after the end of a pipe or file.",
)
@hook_options("join", "leave", "querier-lost", "stall")
@receiving_options
@sending_options
@print_socat_option
def chat(
    endpoints: tuple[str, ...],
    *,
    linger: float,
    print_socat: bool,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Send each line of stdin to the group joined last, print each line of others on stdout.

    The slash commands are the app's; /help lists them. What was done, and what could not be, is told
    on stderr. Ends with /quit, with ctrl+c, at the end of input of a terminal, and --linger seconds after
    the end of a pipe.
    """
    places = require_places(endpoints, "chat")
    told = take_told(values)
    settings = settings_from(values, places)
    if print_socat:
        return print_talking(places, settings)
    return run_chat(places, settings, told, linger)


def print_talking(places: Sequence[Place], settings: Settings) -> int:
    """Print the socat lines of somebody who talks at these places, and of a peer; return the exit status."""
    from mcast_tui.wire.socat.line import talking

    return print_socat_lines(places, settings, talking, talking)


def run_chat(places: list[Place], settings: Settings, told: Told, linger_s: float = LINGER_S) -> int:
    """Talk at these places until the person or the input ends; return the exit status."""
    from mcast_tui.cli.running import run

    return run(_chat(places, settings, told, linger_s))


async def _chat(places: list[Place], settings: Settings, told: Told, linger_s: float) -> int:
    from mcast_tui.cli.plain_chat import PlainChat
    from mcast_tui.cli.talk import talk
    from mcast_tui.services.node import Node

    async with Node(settings) as node, telling_of(node, told, talk):
        return await PlainChat(node).talk(places, linger_s)
