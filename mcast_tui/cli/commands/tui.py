"""``mcast-tui [ENDPOINT...]``: the app. The one door from the command line to Textual."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from mcast_tui.cli.commands.chat import print_talking, run_chat
from mcast_tui.cli.options import (
    read_places,
    receiving_options,
    require_places,
    sending_options,
    settings_from,
)
from mcast_tui.cli.print_socat import print_socat_option
from mcast_tui.cli.talk import talk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.services.settings import Settings
    from mcast_tui.wire.place import Place


@click.command()
@click.argument("endpoints", nargs=-1, metavar="[ENDPOINT...]")
@click.option("--ascii", is_flag=True, default=None, help="Draw with ASCII characters only.")
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
    settings = settings_from(values, places)
    if print_socat:
        return print_talking(require_places(endpoints, "tui"), settings)
    if not _can_draw():
        talk("no terminal to draw on: plain lines instead, as with mcast-tui chat")
        return run_chat(require_places(endpoints, "chat"), settings)
    return open_app(settings, places)


def _can_draw() -> bool:
    # Textual reads its keys from the first, the size from the second, and draws on the third.
    streams = (sys.stdin, sys.stdout, sys.stderr)
    is_terminal = all(stream is not None and stream.isatty() for stream in streams)
    return is_terminal and os.environ.get("TERM") not in {None, "", "dumb"}


def open_app(settings: Settings, places: Sequence[Place], note: str = "") -> int:
    """Run the app until the person leaves; return the exit status. `note` is shown in its header."""
    from mcast_tui.app.app import run_app

    return run_app(settings, places, note=note)
