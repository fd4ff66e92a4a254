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
    from mcast_tui.services.tap.tap import TapState

    Subscribe = Callable[[Callable[[Event], None]], Callable[[], None]]

Function = TypeVar("Function", bound="Callable[..., Any]")

_HELP = {
    "join": "when this host, or with --tap another one, joins a group",
    "leave": "when this host, or with --tap another one, leaves a group",
    "querier-lost": "when the querier of a LAN is overdue; it takes a tap to hear one",
    "stall": "when a joined group that had packets has none any more",
}


OF_MEMBERSHIPS = ("join", "leave")
"""What is told of other programs of this host, too, as the kernel's tables have it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who is to be told of events."""

    commands: Mapping[str, Command] = field(default_factory=dict)
    """What to run, by the name of the event."""
    log: str | None = None
    """The file every event is written to."""
    taps: bool = False
    """Whether the wire is listened to, too."""
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
        function = click.option(
            "--tap",
            is_flag=True,
            help="Listen to the wire, too: queriers, and who else joins. Needs CAP_NET_RAW, or a tap.",
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
    # It is only written, and whether it can be is known once it is opened: a mode does not tell all.
    file = click.Path(dir_okay=False, readable=False)
    return click.option("--events", type=file, metavar="FILE", help=described)(function)


def take_told(values: dict[str, Any], *, shows: bool = False) -> Told:
    """Take these options out of `values`; raises `UsageError` for a command that cannot be run.

    `shows`: the verb itself shows what the wire says.
    """
    commands = {}
    for occasion in _HELP:
        line = values.pop(f"on_{occasion.replace('-', '_')}", None)
        if line is not None:
            commands[occasion] = _command(line, occasion)
    log, stall_after_s = _log(values.pop("events", None)), values.pop("stall_after", None)
    taps = values.pop("tap", False) or "querier-lost" in commands
    if taps and not (commands or log or shows):
        remedy = "It goes with --on-join and its like, and with --events."
        raise UsageError("listen to the wire", "nobody would be told", remedy=remedy)
    if "stall" in commands or log is not None:
        from mcast_tui.services.membership.stall import STALL_AFTER_S

        return Told(commands, log, taps, stall_after_s or STALL_AFTER_S)
    if stall_after_s is not None:
        raise UsageError(
            "use --stall-after", "nobody would be told", remedy="It goes with --on-stall and with --events."
        )
    return Told(commands, log, taps)


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
    if not (told.commands or told.log or told.taps):
        yield
        return
    from mcast_tui.services.membership.lookout import Lookout

    lookout = Lookout(node, stall_after_s=told.stall_after_s, samples=samples)
    async with telling(told, node.subscribe, tell), lookout:
        if told.log is not None or not told.commands.keys().isdisjoint(OF_MEMBERSHIPS):
            node.memberships.follow()
        if told.taps:
            node.memberships.listen()
            if samples:  # the app shows it
                tell_tap(node.memberships.tap)
        yield


def tell_tap(state: TapState) -> None:
    """Say whether the wire is heard, or what would help; a privileged tap that is started later is found."""
    from mcast_tui.cli.talk import talk

    if state.is_open:
        talk(f"listening to the wire {state.where}")
    elif state.error is not None:
        talk(f"the wire is not heard yet: {state.error}")
