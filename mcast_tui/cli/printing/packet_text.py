"""The columns of the text for people: how wide each is, and what is coloured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mcast_tui.cli.printing.cells import Cells, Part, cells
from mcast_tui.cli.printing.packet_fields import address_text, times
from mcast_tui.cli.printing.packet_format import clock_second, payload_info
from mcast_tui.safe import safe_text
from mcast_tui.wire.address import address_and_port
from mcast_tui.wire.columns import Addressed, Flag, is_raw

if TYPE_CHECKING:
    from mcast_tui.cli.printing.packet_fields import InterfaceName
    from mcast_tui.cli.printing.pieces import Piece

_INTERFACE_WIDTH, _ADDRESS_WIDTH = 6, 21
"""Where columns begin: for ``eth0`` and for IPv4 with its port. What is wider widens them from then on."""

_MARKS = {Flag.OWN: "own", Flag.REFUSED: "refused", Flag.TRUNCATED: "truncated"}
_PLAIN, _DIM, _CYAN, _YELLOW = "", "2", "36", "33"
_KIND_COLOURS = {Addressed.MULTICAST: "32", Addressed.BROADCAST: "33", Addressed.UNICAST: "35"}
"""SGR parameters (ECMA-48)."""


class TextParts:
    """Makes the parts of the lines, piece after piece, in columns that stay where they are or widen."""

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour
        self._interface_width = _INTERFACE_WIDTH
        self._source_width = self._destination_width = _ADDRESS_WIDTH

    def parts(self, piece: Piece, interface_name: InterfaceName) -> list[Part]:
        """Return what each line consists of; the payload is the last."""
        columns = piece.columns
        interfaces = cells(columns["ifindex"], lambda index: _interface(index, interface_name))
        sources, destinations = _ends(piece, "source"), _ends(piece, "destination")
        self._interface_width = max(self._interface_width, _width(interfaces))
        self._source_width = max(self._source_width, _width(sources))
        self._destination_width = max(self._destination_width, _width(destinations))
        return [
            (self._painted("%s", _DIM) + " ", times(columns["received_at"], clock_second, 6)),
            (f"%-{self._interface_width}s ", interfaces),
            (self._painted(f"%-{self._source_width}s", _CYAN) + " > ", sources),
            (f"%-{self._destination_width}s ", destinations),
            ("%s ", cells(columns["addressed"], self._kind)),
            ("ttl %s ", cells(columns["hop_limit"], lambda limit: f"{'-' if limit < 0 else limit:>3}")),
            ("len %5s", columns["length"].tolist()),
            ("%s ", cells(columns["flags"], self._marks)),
            ("%s", [payload_info(payload) for payload in piece.payloads]),
        ]

    def _kind(self, addressed: int) -> str:
        kind = Addressed(addressed)
        return self._painted(f"{kind.name.lower():<9}", _KIND_COLOURS.get(kind, _PLAIN))

    def _marks(self, flags: int) -> str:
        marks = "".join(f" [{word}]" for flag, word in _MARKS.items() if flags & flag)
        return self._painted(marks, _YELLOW) if marks else ""

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour else text


def _interface(index: int, interface_name: InterfaceName) -> str:
    return safe_text(interface_name(index) or "-") if index else "-"


def _ends(piece: Piece, name: str) -> Cells:
    """Say where packets came from or went to: address and port, or for raw IP its protocol."""
    columns, is_destination = piece.columns, name == "destination"
    words = np.column_stack((columns[name], columns[f"{name}_port"], is_raw(columns)))

    def said(row: tuple[int, int, int, int]) -> str:
        high, low, port, raw = row
        is_unknown = is_destination and not high and not low
        address = "?" if is_unknown else address_text((high, low))
        if not raw:
            return address_and_port(address, port)
        return address_and_port(address, None, port if is_destination else None)

    return cells(words, said)


def _width(texts: Cells) -> int:
    return len(texts) if isinstance(texts, str) else max(map(len, map(str, texts)))
