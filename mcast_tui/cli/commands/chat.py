"""``mcast-tui chat``: the conversation as plain lines, for pipes and screen readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.options import receiving_options, require_endpoints, sending_options, settings_from

if TYPE_CHECKING:
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.address import Endpoint


LINGER_S = 0.5
"""As long as socat waits for answers after the end of its input."""


@click.command()
@click.argument("endpoints", nargs=-1, metavar="ENDPOINT...")
@click.option(
    "-l",
    "--linger",
    type=click.FloatRange(0),
    default=LINGER_S,
    show_default=True,
    help="Seconds to keep listening after the end of a pipe or file.",
)
@receiving_options
@sending_options
def chat(
    endpoints: tuple[str, ...],
    *,
    linger: float,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Send each line of stdin to the group joined last, print each line of others on stdout.

    The slash commands are the app's; /help lists them. What was done, and what could not be, is told
    on stderr. Ends with /quit, with ctrl+c, at the end of input of a terminal, and --linger seconds after
    the end of a pipe.
    """
    return run_chat(require_endpoints(endpoints, "chat"), settings_from(values), linger)


def run_chat(endpoints: list[Endpoint], settings: Settings, linger_s: float = LINGER_S) -> int:
    """Talk at these endpoints until the person or the input ends; return the exit status."""
    from mcast_tui.cli.running import run

    return run(_chat(endpoints, settings, linger_s))


async def _chat(endpoints: list[Endpoint], settings: Settings, linger_s: float) -> int:
    from mcast_tui.cli.plain_chat import PlainChat
    from mcast_tui.services.node import Node

    async with Node(settings) as node:
        return await PlainChat(node).talk(endpoints, linger_s)
