"""Packets as lines: text for people, words in columns, JSON, a hex dump, or the bare payload.

Each is given pieces (`cli.printing.pieces`) and returns what is to be written. `needs_payloads` tells whether
it looks at payloads, `whole_only` whether it has nothing to say of a packet that lost its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from mcast_tui.cli.printing.cells import Part, lines
from mcast_tui.cli.printing.fields import FIELDS
from mcast_tui.cli.printing.packet_fields import JSON, WORDS, field_cells, json_text
from mcast_tui.cli.printing.packet_text import TextParts
from mcast_tui.safe import hex_dump

if TYPE_CHECKING:
    from mcast_tui.cli.printing.packet_fields import InterfaceName
    from mcast_tui.cli.printing.pieces import Piece

_OF_PAYLOAD = {"payload_hex", "text"}


class Format(Protocol):
    """A way to write packets."""

    @property
    def needs_payloads(self) -> bool: ...
    @property
    def whole_only(self) -> bool: ...

    def render(self, piece: Piece, interface_name: InterfaceName) -> str | bytes: ...


class JsonLines:
    """One object a line: all fields, with `text` only where the payload is UTF-8; or the fields chosen."""

    whole_only = False

    def __init__(self, fields: tuple[str, ...] | None = None) -> None:
        self._fields = fields or tuple(name for name in FIELDS if name != "text")
        self._text_where_there_is = fields is None
        self.needs_payloads = not _OF_PAYLOAD.isdisjoint(fields or FIELDS)

    def render(self, piece: Piece, interface_name: InterfaceName) -> str:
        parts: list[Part] = [
            (f'{"," if place else "{"}"{name}":%s', field_cells(name, piece, interface_name, JSON))
            for place, name in enumerate(self._fields)
        ]
        parts.append(("%s}\n", _further_text(piece) if self._text_where_there_is else ""))
        return "".join(lines(parts, len(piece)))


def _further_text(piece: Piece) -> list[str]:
    texts = map(json_text, piece.payloads)
    return ["" if text is None else f',"text":{text}' for text in texts]


class FieldLines:
    """The fields chosen, as words with a tab between: no word holds a tab."""

    whole_only = False

    def __init__(self, fields: tuple[str, ...]) -> None:
        self._fields = fields
        self.needs_payloads = not _OF_PAYLOAD.isdisjoint(fields)

    def render(self, piece: Piece, interface_name: InterfaceName) -> str:
        ends = ["\t"] * (len(self._fields) - 1) + ["\n"]
        parts = [
            (f"%s{end}", field_cells(name, piece, interface_name, WORDS))
            for name, end in zip(self._fields, ends, strict=True)
        ]
        return "".join(lines(parts, len(piece)))


class TextLines:
    """``time interface source > destination kind ttl length payload``, aligned; `dump` adds the bytes."""

    needs_payloads = True
    whole_only = False

    def __init__(self, *, colour: bool = False, dump: bool = False) -> None:
        self._text = TextParts(colour=colour)
        self._dump = dump

    def render(self, piece: Piece, interface_name: InterfaceName) -> str:
        said = [line.rstrip() for line in lines(self._text.parts(piece, interface_name), len(piece))]
        if self._dump:
            said = [f"{line}{dump}" for line, dump in zip(said, map(_dump, piece.payloads), strict=True)]
        return "\n".join([*said, ""])


def _dump(payload: bytes | None) -> str:
    """Return the rows of a hex dump, each after a line end."""
    return "".join(f"\n  {row}" for row in hex_dump(payload or b""))


class RawPayload:
    """The payloads as they are and nothing else."""

    needs_payloads = True
    whole_only = True

    def render(self, piece: Piece, _: InterfaceName) -> bytes:
        return b"".join(payload for payload in piece.payloads if payload is not None)
