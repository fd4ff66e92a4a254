"""``--on-join``, ``--on-leave``, ``--on-querier-lost``, ``--on-stall``, ``--events``: who is told."""

from __future__ import annotations

import shlex
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mcast_tui.cli.sending.departure import LONGEST_WAIT_S, Finite
from mcast_tui.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from mcast_tui.services.events import Event
    from mcast_tui.services.node import Node
    from mcast_tui.services.process.command import Command

    Subscribe = Callable[[Callable[[Event], None]], Callable[[], None]]

Function = TypeVar("Function", bound="Callable[..., Any]")

_HELP = {
    "join": "when this host joins a group",
    "leave": "when it leaves one",
    "querier-lost": "when the querier of a LAN is overdue; it takes a tap to hear one",
    "stall": "when a joined group that had packets has none any more",
}


OF_MEMBERSHIPS = ("join", "leave", "querier-lost")
"""What happens to memberships here, and elsewhere as far as the wire tells: a tap needs CAP_NET_RAW."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who is to be told of events."""

    commands: Mapping[str, Command] = field(default_factory=dict)
    """What to run, by the name of the event."""
    log: str | None = None
    """The file every event is written to."""
    stall_after_s: float | None = None
    """How long a stream must be silent to have stalled; None: nobody wants to know."""


def hook_options(*occasions: str, stall_after: bool = True) -> Callable[[Function], Function]:
    """Add an option for a command for each occasion; with `stall_after`, when a stream counts as stalled."""

    def add(function: Function) -> Function:
        if stall_after:
            function = click.option(
                "--stall-after",
                type=Finite(0, LONGEST_WAIT_S, min_open=True),
                metavar="SECONDS",
                help="Silence after which a group has stalled. [default: 5]",
            )(function)
        for occasion in reversed(occasions):
            function = click.option(
                f"--on-{occasion}",
                metavar="COMMAND",
                help=f"Run this {_HELP[occasion]}; the facts are in MCAST_* of its environment.",
            )(function)
        return function

    return add


def events_option(function: Function) -> Function:
    """Add ``--events``."""
    described = "Append each event of memberships and streams to FILE, one JSON object a line."
    return click.option("--events", type=click.Path(dir_okay=False), metavar="FILE", help=described)(function)


def take_told(values: dict[str, Any]) -> Told:
    """Take these options out of `values`; raises `UsageError` for a command that cannot be run."""
    commands = {}
    for occasion in _HELP:
        line = values.pop(f"on_{occasion.replace('-', '_')}", None)
        if line is not None:
            commands[occasion] = _command(line, occasion)
    log, stall_after_s = _log(values.pop("events", None)), values.pop("stall_after", None)
    if "stall" in commands or log is not None:
        from mcast_tui.services.membership.stall import STALL_AFTER_S

        return Told(commands, log, stall_after_s or STALL_AFTER_S)
    if stall_after_s is not None:
        raise UsageError(
            "use --stall-after", "nobody would be told", remedy="It goes with --on-stall and with --events."
        )
    return Told(commands)


def _log(file: str | None) -> str | None:
    """Return the file for events; raises `UsageError` where none can be, as far as that is known unopened."""
    if file is None:
        return None
    attempted = f"write events to {file}"
    if file == "-":
        remedy = "Name a file; /dev/stderr and /dev/fd/3 are files, too."
        raise UsageError(attempted, "standard output has other lines", remedy=remedy)
    if not file or not Path(file).parent.is_dir():
        raise UsageError(attempted, "there is no such directory")
    return file


def _command(line: str, occasion: str) -> Command:
    from mcast_tui.services.process.command import find_command

    try:
        words = shlex.split(line)
    except ValueError as error:
        remedy = "Quote as in a shell; for all that a shell can do, name one: sh -c '...'"
        raise UsageError(f"read --on-{occasion} {line!r}", str(error).lower(), remedy=remedy) from error
    return find_command(words)


@asynccontextmanager
async def telling(told: Told, subscribe: Subscribe, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Run the commands and write the log of what `subscribe` hears, for the length of the block."""
    from mcast_tui.cli.event_log import EventLog
    from mcast_tui.services.membership.hooks import Hooks

    async with AsyncExitStack() as held:
        if told.commands:
            hooks = await held.enter_async_context(Hooks(told.commands, tell, adopts=True))
            held.callback(subscribe(hooks.notice))
        if told.log is not None:
            log = await held.enter_async_context(EventLog(told.log))
            held.callback(subscribe(log.notice))
        yield


@asynccontextmanager
async def telling_of(
    node: Node, told: Told, tell: Callable[[str], None], *, samples: bool = True
) -> AsyncIterator[None]:
    """Do so for a node, and look out for what it does not tell by itself. `samples`: nobody samples it."""
    if not told.commands and told.log is None:
        yield
        return
    from mcast_tui.services.membership.lookout import Lookout

    lookout = Lookout(node, stall_after_s=told.stall_after_s, samples=samples)
    async with telling(told, node.subscribe, tell), lookout:
        if told.log is not None or not told.commands.keys().isdisjoint(OF_MEMBERSHIPS):
            node.memberships.follow()
            node.memberships.listen()
        yield
