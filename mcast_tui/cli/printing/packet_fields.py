"""The fields of packets as cells, in JSON or as plain words: each is worked out for a whole piece.

`SCHEMA` 1 of the JSON: addresses are strings, times RFC 3339 in UTC with nanoseconds, payloads
``payload_hex`` plus ``text`` when they are UTF-8. What is not known, or not there, is null; the plain
word for it is ``-``. All of it is safe to show: JSON is ASCII, words have passed `safe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mcast_tui.cli.printing.cells import Cells, cells, lines
from mcast_tui.cli.printing.packet_format import INFO_LIMIT, NANOSECONDS, utc_second
from mcast_tui.safe import safe_info, safe_text
from mcast_tui.wire.columns import Addressed, Column, Flag, address_from_words, is_raw, ports_and_protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.cli.printing.pieces import Piece

    InterfaceName: TypeAlias = Callable[[int], str | None]

SCHEMA = 1
UDP = 17
"""The protocol of what did not come as raw IP."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How values are written."""

    value: Callable[[object], str]
    """A text, a number, a truth value or None."""
    plain: Callable[[str], str]
    """A text of ours that is safe by construction: done for every row, so it is quick."""
    text: Callable[[bytes | None], str]
    """What a payload says, if it is UTF-8."""


def field_cells(name: str, piece: Piece, interface_name: InterfaceName, encoding: Encoding) -> Cells:
    """Return the field `name`, one of `fields.FIELDS`, of a piece that is not empty."""
    say = encoding.value
    match name:
        case "schema":
            return say(SCHEMA)
        case "number":
            return (piece.numbers + 1).tolist()  # type: ignore[no-any-return]  # numpy does not say
        case "time":
            return [encoding.plain(f"{time}Z") for time in times(piece.columns["received_at"], utc_second, 9)]
        case "payload_hex":
            return [say(None) if data is None else encoding.plain(data.hex()) for data in piece.payloads]
        case "text":
            return [encoding.text(payload) for payload in piece.payloads]
        case "interface":
            return cells(
                piece.columns["ifindex"], lambda index: say(interface_name(index) if index else None)
            )
        case "source_port" | "destination_port" | "protocol":
            return port_cells(piece, lambda *ports: say(ports[_PORTS.index(name)]))
    column, value_of = _VALUES[name]
    return cells(piece.columns[column], lambda value: say(value_of(value)))


_PORTS = ("source_port", "destination_port", "protocol")


def port_cells(piece: Piece, say: Callable[[int | None, int | None, int], str]) -> Cells:
    """Say the source port, destination port and protocol of each row; raw IP has no ports."""
    columns, raw = piece.columns, is_raw(piece.columns)
    words = np.column_stack((columns["source_port"], columns["destination_port"], raw))

    def said(row: tuple[int, int, int]) -> str:
        source, destination, protocol = ports_and_protocol(row[0], row[1], Flag.RAW if row[2] else 0)
        return say(source, destination, UDP if protocol is None else protocol)

    return cells(words, said)


def address_text(words: tuple[int, int]) -> str:
    """Return the address that an address column holds as these words."""
    return str(address_from_words(*words))


def times(received_at: Column, second: Callable[[int], str], digits: int) -> list[str]:
    """Return each time as its second, said by `second`, and so many digits of the fraction."""
    seconds, nanoseconds = np.divmod(received_at, NANOSECONDS)
    fraction = nanoseconds // 10 ** (9 - digits)
    return lines([("%s.", cells(seconds, second)), (f"%0{digits}d", fraction.tolist())], len(seconds))


def _flag(flag: Flag) -> tuple[str, Callable[[int], bool]]:
    mask = int(flag)
    return "flags", lambda flags: bool(flags & mask)


def _unless_negative(number: int) -> int | None:
    return number if number >= 0 else None


_VALUES: dict[str, tuple[str, Callable[[Any], object]]] = {
    "kernel_time": _flag(Flag.KERNEL_TIME),
    "source": ("source", address_text),
    "destination": ("destination", lambda words: address_text(words) if any(words) else None),
    "addressed": ("addressed", lambda addressed: Addressed(addressed).name.lower()),
    "ifindex": ("ifindex", lambda index: index or None),
    "local_address": ("local_address", lambda word: str(IPv4Address(word)) if word else None),
    "hop_limit": ("hop_limit", _unless_negative),
    "traffic_class": ("traffic_class", _unless_negative),
    "length": ("length", int),
    "truncated": _flag(Flag.TRUNCATED),
    "own": _flag(Flag.OWN),
    "refused": _flag(Flag.REFUSED),
}
"""Field -> its column and what a value there means."""


def json_text(payload: bytes | None) -> str | None:
    """Return what a payload says as a JSON string; None when it is not UTF-8, or gone."""
    if payload is None:
        return None
    try:
        return encode_basestring_ascii(payload.decode())
    except UnicodeDecodeError:
        return None


def _json_value(value: object) -> str:
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    return "null" if value is None else str(value).lower()  # a truth value, or a number


def _word(value: object) -> str:
    if isinstance(value, str):
        return safe_text(value)
    return "-" if value is None else str(value).lower()


def _word_text(payload: bytes | None) -> str:
    """Return what a payload says on one line, without the line end that closes it."""
    return "-" if json_text(payload) is None else safe_info(payload or b"", INFO_LIMIT)


JSON = Encoding(_json_value, encode_basestring_ascii, lambda payload: json_text(payload) or "null")
WORDS = Encoding(_word, str, _word_text)
