"""``mcast-tui [ENDPOINT...]``: the app. The door from the command line to the app over a node."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.commands.chat import print_talking, run_chat
from mcast_tui.cli.hooks import hook_options, take_told, telling_of
from mcast_tui.cli.options import (
    read_places,
    receiving_options,
    require_places,
    sending_options,
    settings_from,
)
from mcast_tui.cli.print_socat import print_socat_option
from mcast_tui.cli.streams import can_draw
from mcast_tui.cli.talk import talk

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from mcast_tui.app.app import Beside
    from mcast_tui.cli.hooks import Told
    from mcast_tui.services.node import Node
    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place


@click.command()
@click.argument("endpoints", nargs=-1, metavar="[ENDPOINT...]")
@click.option("--ascii", is_flag=True, default=None, help="Draw with ASCII characters only.")
@hook_options("join", "leave", "querier-lost", "stall")
@receiving_options
@sending_options
@print_socat_option
def tui(
    endpoints: tuple[str, ...],
    *,
    print_socat: bool,
    **values: Any,  # the shared options, by the names of Settings
) -> int:
    """Open the app, joined to the ENDPOINTs; with none, its start page, which joins and sends nothing.

    Where there is no terminal to draw on (a pipe, TERM=dumb) it talks in plain lines, as chat does.
    """
    places = read_places(endpoints)
    draws = can_draw()
    told = take_told(values, shows=draws or print_socat)
    settings = settings_from(values, places)
    if print_socat:
        return print_talking(require_places(endpoints, "tui"), settings)
    if not draws:
        talk("no terminal to draw on: plain lines instead, as with mcast-tui chat")
        return run_chat(require_places(endpoints, "chat"), settings, told)
    return open_app(settings, places, beside=partial(watch_beside, told))


def watch_beside(told: Told, node: Node, tell: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
    """Return what tells of the events of the app's node, as long as that runs."""
    return telling_of(node, told, tell, samples=False)


def open_app(
    settings: Settings, places: Sequence[Place], note: str = "", beside: Beside | None = None
) -> int:
    """Run the app until the person leaves; return the exit status.

    `note` is shown in its header, `beside` runs as long as its node does.
    """
    from mcast_tui.app.app import run_app

    return run_app(settings, places, note=note, beside=beside)
