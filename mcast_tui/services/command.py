"""The registry of commands, and how a typed line becomes a request.

One table feeds the slash commands, the command palette, completion, the help screen and
the plain chat. Nothing here knows a screen or does anything: a line goes in, a value of
`services.request` comes out, or a `CommandError` that says at which column and what would
have been right.

A line that begins with one slash is a command, with two a text that begins with one.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.services import request
from mcast_tui.services.command_arguments import (
    bare,
    read_change,
    read_clear,
    read_explain,
    read_help,
    read_hex,
    read_hop_limit,
    read_interface,
    read_join,
    read_leave,
    read_loop,
    read_message,
    read_send,
    read_socat,
    read_source,
)
from mcast_tui.services.command_words import CommandError, Words
from mcast_tui.services.source_change import Change
from mcast_tui.wire.address import DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "COMMANDS",
    "Command",
    "CommandError",
    "find_command",
    "is_command",
    "nearest_command",
    "parse_line",
]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its names, how it is written, what it does, and how its arguments are read."""

    name: str
    arguments: str
    """As help shows them: ``GROUP[:PORT] [if INTERFACE]``; empty for none."""
    help: str
    """One line, no full stop."""
    example: str
    read: Callable[[Words], request.Request]
    aliases: tuple[str, ...] = ()
    completes: tuple[str, ...] = ()
    """What each argument may be, by the names in `services.completion.Vocabulary`."""

    @property
    def usage(self) -> str:
        return f"/{self.name} {self.arguments}".rstrip()

    @property
    def is_complete_alone(self) -> bool:
        """Whether the bare name is a whole command."""
        return not self.arguments or self.arguments.startswith("[")


COMMANDS: tuple[Command, ...] = (
    Command(
        "join",
        "GROUP[:PORT][+N] [if INTERFACE] [from SOURCE,...]",
        "Join a group and receive what is sent to it",
        "/join 232.1.1.1:5000 if eth0 from 192.168.10.3",
        read_join,
        completes=("group", "if", "interface"),
    ),
    Command(
        "leave",
        "[GROUP[:PORT]]",
        "Leave a group, the selected one when none is named",
        "/leave 224.1.0.1:6666",
        read_leave,
        aliases=("part",),
        completes=("joined",),
    ),
    Command(
        "source",
        "add|drop|only SOURCE[,SOURCE...]",
        "Whom this group hears: one more, one less, or these and nobody else",
        "/source only 192.168.10.3",
        read_source,
        completes=("change", "source"),
    ),
    Command(
        "block",
        "SOURCE[,SOURCE...]",
        "Have the kernel keep out what these send to this group",
        "/block 192.168.10.3",
        read_change(Change.BLOCK),
        completes=("source",),
    ),
    Command(
        "unblock",
        "SOURCE[,SOURCE...]",
        "Let in again what was blocked",
        "/unblock 192.168.10.3",
        read_change(Change.UNBLOCK),
        completes=("source",),
    ),
    Command(
        "msg",
        "ADDRESS[:PORT] TEXT",
        "Send a line to one address instead of the group",
        "/msg 192.168.10.3 hello, only you",
        read_message,
        completes=("peer",),
    ),
    Command(
        "send",
        "[-b] ADDRESS[:PORT] TEXT",
        "Send a line to any address; -b allows broadcast",
        "/send -b broadcast:6666 hello, everyone",
        read_send,
        completes=("joined",),
    ),
    Command(
        "hex",
        "BYTES...",
        "Send exactly these bytes, without a newline",
        "/hex 68 65 6c 6c 6f",
        read_hex,
    ),
    Command(
        "ttl",
        "N",
        "How many routers a datagram to this group may pass, plus one",
        "/ttl 1",
        read_hop_limit,
    ),
    Command(
        "loop",
        "on|off",
        "Whether this host hears its own multicast",
        "/loop off",
        read_loop,
        completes=("switch",),
    ),
    Command(
        "if",
        "INTERFACE",
        "Send by this interface; before a join, join on it",
        "/if eth0",
        read_interface,
        completes=("interface",),
    ),
    Command(
        "socat",
        "[GROUP[:PORT]]",
        "Show the line a peer without mcast-tui runs to talk with this group",
        "/socat 224.1.0.1:6666",
        read_socat,
        completes=("joined",),
    ),
    Command(
        "explain",
        "[TOPIC]",
        "Explain what just happened, or a topic such as snooping or ttl",
        "/explain snooping",
        read_explain,
        completes=("topic",),
    ),
    Command(
        "tap",
        "",
        "Show what passes the interfaces, also to groups nobody here joined",
        "/tap",
        bare(request.Tap()),
    ),
    Command(
        "clear",
        "[undo]",
        "Hide what is on screen; undo shows it again",
        "/clear undo",
        read_clear,
        completes=("undo",),
    ),
    Command(
        "pause",
        "",
        "Freeze the display, or thaw it; packets are still captured",
        "/pause",
        bare(request.Pause()),
    ),
    Command("follow", "", "Go to the newest packet and stay there", "/follow", bare(request.Follow())),
    Command(
        "help",
        "[COMMAND]",
        "Show the keys and commands, or one command",
        "/help join",
        read_help,
        completes=("command",),
    ),
    Command("quit", "", "Leave every group and end", "/quit", bare(request.Quit()), aliases=("exit",)),
)
"""Every command, in the order help shows them."""

_BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}


def find_command(name: str) -> Command | None:
    """Return the command of that name or alias, written with or without its slash."""
    return _BY_NAME.get(name.removeprefix("/").lower())


def nearest_command(name: str) -> Command | None:
    """Return the command that `name` was probably meant to be: a beginning of one, else the most alike."""
    name = name.removeprefix("/").lower()
    begun = [known for known in _BY_NAME if name and known.startswith(name)]
    alike = begun or difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    return _BY_NAME[alike[0]] if alike else None


def is_command(line: str) -> bool:
    """Whether Enter on this line runs a command instead of sending it."""
    return line.startswith("/") and not line.startswith("//")


def parse_line(line: str, default_port: int = DEFAULT_PORT) -> request.Request:
    """Read a typed line; `default_port` is the port of an address written without one.

    Raises `CommandError` for an unknown command or arguments that cannot be read.
    """
    if not is_command(line):
        return request.Say(line[1:] if line.startswith("//") else line)
    name = line[1:].split(maxsplit=1)[0] if line[1:].strip() and not line[1].isspace() else ""
    command = find_command(name)
    if command is None:
        raise _unknown(line, name)
    return command.read(Words(line, 1 + len(name), command.usage, default_port))


def _unknown(line: str, name: str) -> CommandError:
    nearest = nearest_command(name)
    if nearest is None:
        return CommandError(
            line,
            1,
            f"there is no command {name!r}" if name else "the command is missing",
            "/help lists them.",
        )
    corrected = f"/{nearest.name}{line[1 + len(name) :]}"
    return CommandError(
        line,
        1,
        f"there is no command {name!r}",
        f"Did you mean /{nearest.name}? To send a text that begins with a slash, write //.",
        corrected=corrected,
    )
