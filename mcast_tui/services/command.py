"""The registry of commands, and how a typed line becomes a request.

One table feeds the slash commands, the command palette, completion, the help screen and
the plain chat. Nothing here knows a screen or does anything: a line goes in, a value of
`services.request` comes out, or a `CommandError` that says at which column and what would
have been right.

A line that begins with one slash is a command, with two a text that begins with one.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mcast_tui.errors import EndpointError, UsageError
from mcast_tui.services import request
from mcast_tui.wire.address import DEFAULT_PORT, parse_endpoint
from mcast_tui.wire.place import Place, parse_places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.wire.address import Address, Endpoint

Read = TypeVar("Read")

HOP_LIMITS = range(256)
"""What IP_TTL and IPV6_UNICAST_HOPS can hold; 0 stays in this host."""


class CommandError(UsageError):
    """A line that cannot be obeyed: the line, the column of the fault (from 0), what would be right."""

    def __init__(
        self, line: str, column: int, reason: str, remedy: str | None = None, *, corrected: str | None = None
    ) -> None:
        super().__init__("obey the command", reason, remedy=remedy)
        self.line = line
        self.column = column
        self.corrected = corrected
        """The line as it was probably meant; None when there is no good guess."""


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


class Words:
    """The words of a line, read from the left; every complaint names the column it is about."""

    def __init__(self, line: str, start: int, usage: str, default_port: int) -> None:
        self.line = line
        self.usage = usage
        self.default_port = default_port
        self._position = start

    @property
    def column(self) -> int:
        """Where the next word begins, or the end of the line."""
        match = re.compile(r"\s*").match(self.line, self._position)
        return match.end() if match else self._position

    def peek(self) -> str | None:
        match = re.compile(r"\S+").match(self.line, self.column)
        return match[0] if match else None

    def take(self, what: str) -> str:
        """Return the next word; complain that `what` is missing when there is none."""
        word = self.peek()
        if word is None:
            raise self.error(f"{what} is missing")
        self._position = self.column + len(word)
        return word

    def rest(self, what: str) -> str:
        """Return everything after the space that ends the word before, as typed."""
        text = self.line[self._position + 1 :]
        if not text:
            raise self.error(f"{what} is missing")
        self._position = len(self.line)
        return text

    def end(self) -> None:
        word = self.peek()
        if word is not None:
            raise self.error(f"{word!r} is one word too many")

    def error(self, reason: str, column: int | None = None, remedy: str | None = None) -> CommandError:
        return CommandError(
            self.line, self.column if column is None else column, reason, remedy or f"Usage: {self.usage}"
        )

    def endpoint(self, what: str, default_port: int | None = None) -> Endpoint:
        """Read the next word as an endpoint; its own complaint is passed on, at the right column.

        Whether it is a group only the host's networks can tell, so nobody is refused here.
        """
        return self._read(what, partial(parse_endpoint, default_port=default_port or self.default_port))

    def places(self, what: str) -> tuple[Place, ...]:
        """Read the next word as where to take part: an endpoint, or a socat address with its terms."""
        return self._read(what, parse_places)

    def _read(self, what: str, parse: Callable[[str], Read]) -> Read:
        start = self.column
        word = self.take(what)
        try:
            return parse(word)
        except EndpointError as error:
            raise self.error(error.reason, start + error.column, error.remedy) from error


def _read_join(words: Words) -> request.Join:
    places = words.places("a group")
    sources: list[Address] = []
    while (keyword := words.peek()) is not None:
        start = words.column
        words.take("a word")
        if keyword == "if":
            interface = words.take("an interface")
            places = tuple(_at(place, interface=interface) for place in places)
        elif keyword == "from":
            sources += _read_sources(words)
        else:
            raise words.error(f"{keyword!r} is not known here; say 'if' or 'from'", start)
    if not sources:
        return request.Join(places)
    each = dict.fromkeys(sources)
    return request.Join(tuple(_at(place, source=source) for place in places for source in each))


def _at(place: Place, **changes: Any) -> Place:
    return replace(place, endpoint=replace(place.endpoint, **changes))


def _read_sources(words: Words) -> Iterator[Address]:
    column = words.column
    for part in words.take("a source address").split(","):
        try:
            yield parse_endpoint(part).address
        except EndpointError as error:
            raise words.error(error.reason, column + error.column, error.remedy) from error
        column += len(part) + 1


def _read_leave(words: Words) -> request.Leave:
    endpoint = words.endpoint("a group", DEFAULT_PORT) if words.peek() else None
    words.end()
    return request.Leave(endpoint)


def _read_message(words: Words) -> request.Message:
    return request.Message(words.endpoint("an address"), words.rest("the text"))


def _read_send(words: Words) -> request.Send:
    broadcast = words.peek() == "-b"
    if broadcast:
        words.take("-b")
    return request.Send(words.endpoint("an address"), words.rest("the text"), broadcast)


def _read_hex(words: Words) -> request.SendBytes:
    words.peek() or words.take("a byte such as 68")
    payload = bytearray()
    while words.peek() is not None:
        start = words.column
        word = words.take("a byte").removeprefix("0x").replace(":", "")
        try:
            payload += bytes.fromhex(word)
        except ValueError:
            raise words.error(f"{word!r} is not hexadecimal bytes, two digits each", start) from None
    return request.SendBytes(bytes(payload))


def _read_hop_limit(words: Words) -> request.SetHopLimit:
    start = words.column
    word = words.take("a number")
    if not (word.isascii() and word.isdecimal() and len(word) < 4 and int(word) in HOP_LIMITS):
        raise words.error(f"{word!r} is not a TTL; it goes from 0 to 255", start)
    words.end()
    return request.SetHopLimit(int(word))


def _read_loop(words: Words) -> request.SetLoop:
    start = words.column
    word = words.take("on or off").lower()
    if word not in {"on", "off"}:
        raise words.error(f"{word!r} is neither on nor off", start)
    words.end()
    return request.SetLoop(word == "on")


def _read_interface(words: Words) -> request.SetInterface:
    interface = words.take("an interface")
    words.end()
    return request.SetInterface(interface)


def _read_socat(words: Words) -> request.ShowSocat:
    endpoint = words.endpoint("a group", DEFAULT_PORT) if words.peek() else None
    words.end()
    return request.ShowSocat(endpoint)


def _read_clear(words: Words) -> request.Clear:
    start = words.column
    word = words.peek()
    if word not in {None, "undo"}:
        raise words.error(f"{word!r} is not known here; say 'undo' or nothing", start)
    if word:
        words.take("undo")
    words.end()
    return request.Clear(undo=word == "undo")


def _read_help(words: Words) -> request.Help:
    topic = words.take("a command").removeprefix("/") if words.peek() else None
    words.end()
    return request.Help(topic)


def _bare(value: request.Request) -> Callable[[Words], request.Request]:
    def read(words: Words) -> request.Request:
        words.end()
        return value

    return read


COMMANDS: tuple[Command, ...] = (
    Command(
        "join",
        "GROUP[:PORT][+N] [if INTERFACE] [from SOURCE,...]",
        "Join a group and receive what is sent to it",
        "/join 232.1.1.1:5000 if eth0 from 192.168.10.3",
        _read_join,
        completes=("group", "if", "interface"),
    ),
    Command(
        "leave",
        "[GROUP[:PORT]]",
        "Leave a group, the selected one when none is named",
        "/leave 224.1.0.1:6666",
        _read_leave,
        aliases=("part",),
        completes=("joined",),
    ),
    Command(
        "msg",
        "ADDRESS[:PORT] TEXT",
        "Send a line to one address instead of the group",
        "/msg 192.168.10.3 hello, only you",
        _read_message,
        completes=("peer",),
    ),
    Command(
        "send",
        "[-b] ADDRESS[:PORT] TEXT",
        "Send a line to any address; -b allows broadcast",
        "/send -b broadcast:6666 hello, everyone",
        _read_send,
        completes=("joined",),
    ),
    Command(
        "hex",
        "BYTES...",
        "Send exactly these bytes, without a newline",
        "/hex 68 65 6c 6c 6f",
        _read_hex,
    ),
    Command(
        "ttl",
        "N",
        "How many routers a datagram to this group may pass, plus one",
        "/ttl 1",
        _read_hop_limit,
    ),
    Command(
        "loop",
        "on|off",
        "Whether this host hears its own multicast",
        "/loop off",
        _read_loop,
        completes=("switch",),
    ),
    Command(
        "if",
        "INTERFACE",
        "Send by this interface; before a join, join on it",
        "/if eth0",
        _read_interface,
        completes=("interface",),
    ),
    Command(
        "socat",
        "[GROUP[:PORT]]",
        "Show the line a peer without mcast-tui runs to talk with this group",
        "/socat 224.1.0.1:6666",
        _read_socat,
        completes=("joined",),
    ),
    Command(
        "clear",
        "[undo]",
        "Hide what is on screen; undo shows it again",
        "/clear undo",
        _read_clear,
        completes=("undo",),
    ),
    Command(
        "pause",
        "",
        "Freeze the display, or thaw it; packets are still captured",
        "/pause",
        _bare(request.Pause()),
    ),
    Command("follow", "", "Go to the newest packet and stay there", "/follow", _bare(request.Follow())),
    Command(
        "help",
        "[COMMAND]",
        "Show the keys and commands, or one command",
        "/help join",
        _read_help,
        completes=("command",),
    ),
    Command("quit", "", "Leave every group and end", "/quit", _bare(request.Quit()), aliases=("exit",)),
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
