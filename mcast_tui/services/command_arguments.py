"""How the arguments of each command become a request: one function a command, for the registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mcast_tui.errors import EndpointError
from mcast_tui.services import request
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import DEFAULT_PORT, Kind, classify, parse_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mcast_tui.services.command_words import Words
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.place import Place

HOP_LIMITS = range(256)
"""What IP_TTL and IPV6_UNICAST_HOPS can hold; 0 stays in this host."""


def read_join(words: Words) -> request.Join:
    """Read ``GROUP [if INTERFACE] [from SOURCE,...]``; a socat address may stand for the group."""
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
            source = parse_endpoint(part).address
        except EndpointError as error:
            raise words.error(error.reason, column + error.column, error.remedy) from error
        if classify(source, ()) is not Kind.UNICAST:
            raise words.error(f"{source} is not the address of one host", column)
        yield source
        column += len(part) + 1


def read_leave(words: Words) -> request.Leave:
    """Read ``[GROUP]``; none is the selected one."""
    endpoint = words.endpoint("a group", DEFAULT_PORT) if words.peek() else None
    words.end()
    return request.Leave(endpoint)


def read_message(words: Words) -> request.Message:
    """Read ``ADDRESS TEXT``."""
    return request.Message(words.endpoint("an address"), words.rest("the text"))


def read_send(words: Words) -> request.Send:
    """Read ``[-b] ADDRESS TEXT``."""
    broadcast = words.peek() == "-b"
    if broadcast:
        words.take("-b")
    return request.Send(words.endpoint("an address"), words.rest("the text"), broadcast)


def read_hex(words: Words) -> request.SendBytes:
    """Read ``BYTES...``: pairs of digits, with or without ``0x`` and colons."""
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


def read_hop_limit(words: Words) -> request.SetHopLimit:
    """Read a number from 0 to 255."""
    start = words.column
    word = words.take("a number")
    if not (word.isascii() and word.isdecimal() and len(word) < 4 and int(word) in HOP_LIMITS):
        raise words.error(f"{word!r} is not a TTL; it goes from 0 to 255", start)
    words.end()
    return request.SetHopLimit(int(word))


def read_loop(words: Words) -> request.SetLoop:
    """Read ``on`` or ``off``."""
    start = words.column
    word = words.take("on or off").lower()
    if word not in {"on", "off"}:
        raise words.error(f"{word!r} is neither on nor off", start)
    words.end()
    return request.SetLoop(word == "on")


def read_interface(words: Words) -> request.SetInterface:
    """Read ``INTERFACE``."""
    interface = words.take("an interface")
    words.end()
    return request.SetInterface(interface)


def read_socat(words: Words) -> request.ShowSocat:
    """Read ``[GROUP]``; none is the selected one."""
    endpoint = words.endpoint("a group", DEFAULT_PORT) if words.peek() else None
    words.end()
    return request.ShowSocat(endpoint)


def read_source(words: Words) -> request.ChangeSources:
    """Read ``add|drop|only SOURCE[,SOURCE...]``."""
    start = words.column
    kinds = {change.value: change for change in (Change.ADD, Change.DROP, Change.ONLY)}
    word = words.take("add, drop or only").lower()
    if word not in kinds:
        raise words.error(f"{word!r} is not known here; say 'add', 'drop' or 'only'", start)
    return read_change(kinds[word])(words)


def read_change(kind: Change) -> Callable[[Words], request.ChangeSources]:
    """Return what reads ``SOURCE[,SOURCE...]`` for one kind of change."""

    def read(words: Words) -> request.ChangeSources:
        sources = tuple(dict.fromkeys(_read_sources(words)))
        words.end()
        return request.ChangeSources(SourceChange(kind, sources))

    return read


def read_explain(words: Words) -> request.Explain:
    """Read ``[TOPIC]``, which may be several words."""
    topic: list[str] = []
    while words.peek() is not None:
        topic.append(words.take("a topic"))
    return request.Explain(" ".join(topic) or None)


def read_clear(words: Words) -> request.Clear:
    """Read ``[undo]``."""
    start = words.column
    word = words.peek()
    if word not in {None, "undo"}:
        raise words.error(f"{word!r} is not known here; say 'undo' or nothing", start)
    if word:
        words.take("undo")
    words.end()
    return request.Clear(undo=word == "undo")


def read_help(words: Words) -> request.Help:
    """Read ``[COMMAND]``, with or without its slash."""
    topic = words.take("a command").removeprefix("/") if words.peek() else None
    words.end()
    return request.Help(topic)


def bare(value: request.Request) -> Callable[[Words], request.Request]:
    """Return what reads the arguments of a command that takes none."""

    def read(words: Words) -> request.Request:
        words.end()
        return value

    return read
