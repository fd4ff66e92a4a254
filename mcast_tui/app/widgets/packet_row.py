"""One packet of the log: a row of the ring's columns, and the text of its line. Pure: no widget, no colour.

Wire text reaches a line only through `mcast_tui.safe`. Every text made here has exactly the cells
its column has, wide characters included, so that a line is never wider than the log.
"""

from __future__ import annotations

import time
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from mcast_tui.app.fit import exactly, shorten
from mcast_tui.app.palette import UNICODE, Glyphs
from mcast_tui.app.widgets.packet_link import direction_word, kind_of_row
from mcast_tui.safe import safe_info, safe_text
from mcast_tui.wire.address import RAW_SCHEME
from mcast_tui.wire.columns import (
    Addressed,
    Column,
    Columns,
    Flag,
    Packet,
    address_from_words,
    ports_and_protocol,
)
from mcast_tui.wire.frame import Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mcast_tui.app.widgets.packet_columns import Fit

NAMES: Final = (
    "received_at",
    "source",
    "destination",
    "ifindex",
    "source_port",
    "destination_port",
    "hop_limit",
    "length",
    "addressed",
    "flags",
    "local_address",
    "traffic_class",
)
"""What to ask the ring for. The last two stand in no line; they let `packet_of` answer for a held row."""

KIND_LETTERS: Final[dict[int, str]] = {
    Addressed.UNKNOWN: "?",
    Addressed.UNICAST: "U",
    Addressed.BROADCAST: "B",
    Addressed.MULTICAST: "M",
}

RAW_PREFIX: Final = f"{RAW_SCHEME}://"
"""Before a destination of raw IP: what follows the address is its protocol number, not a port."""

_OWN, _TRUNCATED, _REFUSED, _RAW = int(Flag.OWN), int(Flag.TRUNCATED), int(Flag.REFUSED), int(Flag.RAW)
# plain integers: `&` of an IntFlag makes an object for every row


class Row(NamedTuple):
    """What one line shows of a packet, as plain Python values; a payload of None is evicted."""

    number: int
    received_at: int
    source_high: int
    source_low: int
    destination_high: int
    destination_low: int
    ifindex: int
    source_port: int
    destination_port: int
    hop_limit: int
    length: int
    addressed: int
    flags: int
    local_address: int
    traffic_class: int
    payload: bytes | None
    link: Link | None = None
    """What a tap adds; None where no tap saw it."""

    @property
    def is_sent_here(self) -> bool:
        """We sent it; of a tapped one, this host did."""
        return bool(self.flags & _OWN) or (self.link is not None and self.link.is_outgoing)


def rows_from_columns(
    numbers: Sequence[int], columns: Columns, payloads: Iterable[bytes | None]
) -> list[Row]:
    """Turn the ring's columns into rows, a whole screen at once; the columns of the link may be there."""

    def words(name: str, word: int) -> list[int]:
        return _listed(columns[name][:, word])

    return list(
        map(
            Row._make,
            zip(
                numbers,
                _listed(columns["received_at"]),
                words("source", 0),
                words("source", 1),
                words("destination", 0),
                words("destination", 1),
                *(_listed(columns[name]) for name in NAMES[3:]),
                payloads,
                links_from_columns(columns, len(numbers)),
                strict=True,
            ),
        )
    )


def links_from_columns(columns: Columns, count: int) -> Iterable[Link | None]:
    """Return what a tap adds to each row."""
    if "direction" not in columns:
        return (None,) * count
    return map(Link._make, zip(*(_listed(columns[name]) for name in Link._fields), strict=True))


def packet_of(row: Row, payload: bytes | None) -> Packet:
    """Return the whole view of a row that the ring may no longer have; `payload` is what is left of it."""
    is_known = bool(row.destination_high or row.destination_low)
    source_port, destination_port, protocol = ports_and_protocol(
        row.source_port, row.destination_port, row.flags
    )
    return Packet(
        number=row.number,
        received_at=row.received_at,
        kernel_time=bool(row.flags & Flag.KERNEL_TIME),
        source=address_from_words(row.source_high, row.source_low),
        source_port=source_port,
        destination=address_from_words(row.destination_high, row.destination_low) if is_known else None,
        destination_port=destination_port,
        protocol=protocol,
        addressed=Addressed(row.addressed),
        ifindex=row.ifindex or None,
        local_address=IPv4Address(row.local_address) if row.local_address else None,
        hop_limit=row.hop_limit if row.hop_limit >= 0 else None,
        traffic_class=row.traffic_class if row.traffic_class >= 0 else None,
        length=row.length,
        payload=payload,
        truncated=bool(row.flags & Flag.TRUNCATED),
        own=bool(row.flags & Flag.OWN),
        refused=bool(row.flags & Flag.REFUSED),
    )


def _listed(column: Column) -> list[int]:
    """Return an integer column as Python integers."""
    values: list[int] = column.tolist()
    return values


class Line(NamedTuple):
    """The text of one line in four parts, in order; together exactly `Fit.width` cells."""

    left: str
    """Mark, number, time, interface, and of a tapped packet direction and VLAN."""
    source: str
    facts: str
    """How it was addressed, destination, length, hop limit."""
    info: str
    info_is_wire_text: bool


def format_row(
    row: Row, fit: Fit, interface_name: Callable[[int], str | None], glyphs: Glyphs = UNICODE
) -> Line:
    """Return the text of a row; unknown values show as ``?``, never as 0."""
    left = [_mark(row, glyphs)]
    if fit.number:
        left.append(f"{row.number + 1:>{fit.number}} ")
    if fit.time:
        left.append(f"{format_time(row.received_at)[: fit.time]} ")
    if fit.interface:
        left.append(_interface(row.ifindex, interface_name, fit.interface) + " ")
    left.append(_link(row.link, fit))
    port = row.source_port if fit.source_port and not row.flags & _RAW else None
    source = format_endpoint(row.source_high, row.source_low, port, fit.source, glyphs.ellipsis)
    info, is_wire = _info(row, max(0, fit.info))
    line = Line("".join(left), source + " ", _facts(row, fit, glyphs), info, is_wire)
    return line if fit.info >= 0 else _clip(line, fit.width)


def _mark(row: Row, glyphs: Glyphs) -> str:
    """Return the one-cell mark at the left: refused before own, since it is the rarer news."""
    if row.flags & _REFUSED:
        return glyphs.failed
    return glyphs.own if row.is_sent_here else " "


def _link(link: Link | None, fit: Fit) -> str:
    """Return which way it passed and in which VLAN, where there are columns for them."""
    cells = []
    if fit.direction:
        cells.append(f"{direction_word(link.direction) if link else '?':<{fit.direction}} ")
    if fit.vlan:
        cells.append(f"{link.vlan if link and link.vlan >= 0 else '-':>{fit.vlan}} ")
    return "".join(cells)


def _facts(row: Row, fit: Fit, glyphs: Glyphs) -> str:
    """Return the kind letter, destination, length with its truncation mark, and hop limit."""
    facts = []
    if fit.destination:
        high, low = row.destination_high, row.destination_low
        letter = KIND_LETTERS.get(row.addressed, "?")
        port = row.destination_port if fit.destination_port else None
        scheme = RAW_PREFIX if row.flags & _RAW and fit.destination_port else ""
        endpoint = format_endpoint(high, low, port, fit.destination, glyphs.ellipsis, scheme)
        facts.append(f"{letter} {endpoint} ")
    if fit.length:
        cut = glyphs.ellipsis if row.flags & _TRUNCATED else " "
        facts.append(f"{row.length:>{fit.length}}{cut}")
    if fit.hop_limit:
        facts.append(f"{row.hop_limit if row.hop_limit >= 0 else '?':>3} ")
    return "".join(facts)


def _info(row: Row, cells: int) -> tuple[str, bool]:
    """Return the Info column in exactly `cells` cells, and whether it is the sender's text or ours."""
    if row.payload is None:
        return exactly("(payload evicted)", cells), False
    if row.length == 0:
        return exactly("(no payload)", cells), False
    if row.link is not None and row.flags & _RAW:
        kind = kind_of_row(row, row.payload)
        return exactly(kind, cells), False
    return exactly(safe_info(row.payload, cells + 1), cells), True  # one more, so that a cut shows


def _clip(line: Line, width: int) -> Line:
    """Cut a line whose fixed columns alone are wider than the log; Info has no cell then."""
    parts = []
    for part in line[:3]:
        parts.append(part[:width])
        width -= len(parts[-1])
    return Line(parts[0], parts[1], parts[2], "", info_is_wire_text=False)


@lru_cache(maxsize=4096)
def _clock(second: int) -> str:
    """Return the wall-clock time of day, where the user is, of a second since the epoch."""
    return time.strftime("%H:%M:%S", time.localtime(second))


def format_time(received_at: int) -> str:
    """Return ``HH:MM:SS.uuuuuu`` in local time for ns since the epoch."""
    second, rest = divmod(received_at, 1_000_000_000)
    return f"{_clock(second)}.{rest // 1000:06}"


def _interface(ifindex: int, interface_name: Callable[[int], str | None], cells: int) -> str:
    """Return the interface's name, its index when it is gone, ``?`` when the kernel did not say."""
    name = (interface_name(ifindex) or f"#{ifindex}") if ifindex else "?"
    return exactly(safe_text(name), cells)


@lru_cache(maxsize=65_536)  # bounded: a flood of forged sources must not grow it without end
def format_endpoint(
    high: int, low: int, port: int | None, cells: int, ellipsis: str, scheme: str = ""
) -> str:
    """Return address and port in exactly `cells` cells; a long address keeps its prefix and suffix.

    An all-zero address is "unknown": ``?``.
    """
    address = address_from_words(high, low)
    unknown = not high and not low
    text = "?" if unknown else str(address)
    is_bracketed = isinstance(address, IPv6Address) and not unknown and port is not None
    around = len(scheme) + (2 if is_bracketed else 0) + (0 if port is None else len(f":{port}"))
    text = shorten(text, max(1, cells - around), ellipsis)
    if is_bracketed:
        text = f"[{text}]"
    if port is not None:
        text = f"{text}:{port}"
    return f"{scheme}{text}"[:cells].ljust(cells)
