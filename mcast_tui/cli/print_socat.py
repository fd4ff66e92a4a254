"""``--print-socat``: the line that does the same in socat's words, and that of a peer; nothing is opened."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcast_tui.cli.streams import say
from mcast_tui.services.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mcast_tui.wire.place import Place

DEFAULT = Settings()
Function = TypeVar("Function", bound="Callable[..., Any]")


def print_socat_option(function: Function) -> Function:
    """Add ``--print-socat``, the parameter `print_socat`."""
    return click.option(
        "--print-socat",
        is_flag=True,
        help="Print the socat line that does the same, and one for a peer, and do nothing else.",
    )(function)


def print_socat_lines(
    places: Iterable[Place],
    settings: Settings,
    own: Callable[[Place, str | None], str],
    peer: Callable[[Place, str | None], str],
) -> int:
    """Print both lines for each place, as comments and commands of a shell script; return the exit status.

    `own` and `peer` are of `wire.socat.line`. Ours has our interface and the terms of the settings, and a
    comment for what socat has no words for; a peer has words of its own to fill in, in capitals.
    """
    unsaid = _unsaid()
    for place in places:
        say(f"# {place} here, in socat's words")
        if unsaid:
            say(f"# which has no words for {', '.join(unsaid)}")
        if place.endpoint.count > 1:
            say("# of the run only the first: one socat for each group")
        if len(place.ranges or settings.ranges) > 1:
            say("# and for one range only, the first")
        say(own(_on_our_terms(place, settings), _own_interface(place, settings)))
        say("# and on a peer")
        say(peer(_as_a_peer_sees(place), None))
    return 0


_SAID = frozenset(
    {
        *(
            "interface",
            "ranges",
            "source_port",
            "hop_limit",
            "loop",
            "tos",
            "raw",
            "receive_buffer",
            "sources",
        ),
        *("bind", "from_port", "shell", "words", "max_children", "print_socat"),
        *("wait", "linger"),  # as socat's -t
    }
)
"""The parameters that a line says in socat's words."""


def _unsaid() -> list[str]:
    """Return the options of this command line that no word of socat's says."""
    context = click.get_current_context()
    given = (
        each
        for each in context.command.params
        if isinstance(each, click.Option)
        and each.name not in _SAID
        and context.get_parameter_source(each.name or "") is click.core.ParameterSource.COMMANDLINE
    )
    return [max(each.opts, key=len) for each in given]


def _on_our_terms(place: Place, settings: Settings) -> Place:
    """Return the place with the terms that the command line or the settings say."""
    return replace(
        place,
        ranges=(place.ranges or settings.ranges)[:1],
        source_port=settings.source_port if place.source_port is None else place.source_port,
        receive_buffer=_unless_default(place.receive_buffer, settings.receive_buffer, DEFAULT.receive_buffer),
        hop_limit=_unless_default(place.hop_limit, settings.hop_limit, DEFAULT.hop_limit),
        loop=_unless_default(place.loop, settings.loop, DEFAULT.loop),
    )


def _unless_default(said: Any, set_: Any, default: Any) -> Any:
    if said is not None:
        return said
    return None if set_ == default else set_


def _as_a_peer_sees(place: Place) -> Place:
    """Return the bare place: our interface and our terms mean nothing on another machine."""
    from mcast_tui.wire.place import Place as PlaceValue

    return PlaceValue(replace(place.endpoint, interface=None))


def _own_interface(place: Place, settings: Settings) -> str | None:
    """Return the name of the interface we would use, None when there is none to be had."""
    from mcast_tui.net.interfaces import list_interfaces, preferred_interface, resolve_interface

    interfaces = list_interfaces()
    named = place.endpoint.interface or settings.interface
    if named is not None:
        return resolve_interface(named, interfaces).name
    if not place.endpoint.is_multicast:
        return None
    preferred = preferred_interface(interfaces, place.endpoint.family)
    return preferred.name if preferred else None
