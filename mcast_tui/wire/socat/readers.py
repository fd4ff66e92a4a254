"""What one option of a socat address says: readers from its value to fields of the address.

A reader takes the option as it was written and the address it stands in, and returns the fields
it sets. A switch is on as ``name`` or ``name=1`` and off as ``name=0``; everything else needs its value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mcast_tui.wire.socat.address import Manner
from mcast_tui.wire.socat.values import (
    read_bind_address,
    read_number,
    read_own_address,
    read_port,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.socat.address import Report
    from mcast_tui.wire.socat.syntax import Given, Word

Said: TypeAlias = dict[str, Any]
"""Values for fields of a `DatagramAddress` or `CommandAddress`, by their names."""


@dataclass(frozen=True, slots=True)
class Spot:
    """The address an option stands in."""

    name: str
    """Its type, in capitals."""
    manner: Manner | None = None
    """None of a command and of the standard streams."""
    family: int = 4
    is_raw: bool = False


Reader: TypeAlias = "Callable[[Given, Spot], Said]"

_FAMILIES = {4: ("ip4", "ipv4", "inet", "inet4", "2"), 6: ("ip6", "ipv6", "inet6", "10")}


def value_of(given: Given) -> Word:
    """Return the value of an option that needs one."""
    if given.value is None:
        name = given.name.text
        raise given.name.refused(f"{name} needs a value", f"Write {name}=VALUE.", at=len(name))
    return given.value


def value(field: str, reader: Callable[[Word], object]) -> Reader:
    """Return the reader of an option whose value is one field."""
    return lambda given, _: {field: reader(value_of(given))}


def gathered(field: str, reader: Callable[[Word], object]) -> Reader:
    """Return the reader of an option that adds to a field of many."""
    return lambda given, _: {field: (reader(value_of(given)),)}


def number(field: str, what: str, low: int, high: int) -> Reader:
    """Return the reader of a number from `low` to `high`; `what` names it in a refusal."""
    return value(field, lambda word: read_number(word, what, low, high))


def switch(field: str) -> Reader:
    """Return the reader of a switch."""
    return lambda given, _: {field: _is_on(given)}


def always(field: str | None, why: str) -> Reader:
    """Return the reader of a switch that is on here whatever is written; to turn it off is refused."""

    def read(given: Given, _: Spot) -> Said:
        if not _is_on(given):
            raise given.name.refused(f"{given.name.text} cannot be off here: {why}", "Leave it out.")
        return {} if field is None else {field: True}

    return read


def report(fact: Report) -> Reader:
    """Return the reader of a switch that asks for a fact about each packet."""
    return lambda given, _: {"reports": frozenset({fact} if _is_on(given) else ())}


def _is_on(given: Given) -> bool:
    if given.value is None:
        return True
    if given.value.text not in ("0", "1"):
        name = given.name.text
        raise given.value.refused(f"{name} is 0 or 1, not {given.value.text[:40]!r}", f"Write {name}=0.")
    return given.value.text == "1"


def read_bind(given: Given, spot: Spot) -> Said:
    """Read ``bind``, which has a port where the type has none as its parameter."""
    has_port = not spot.is_raw and spot.manner in (Manner.SENDTO, Manner.DATAGRAM)
    host, port = read_bind_address(value_of(given), spot.family, with_port=has_port)
    said: Said = {"local_address": host and host.address, "local_interface": host and host.zone}
    return said if port is None else {**said, "local_port": port}


def read_family(given: Given, _: Spot | None = None) -> Said:
    """Read ``pf``: 4 or 6."""
    word = value_of(given)
    for family, names in _FAMILIES.items():
        if word.text.lower() in names:
            return {"family": family}
    raise word.refused(f"{word.text[:40]!r} is not a family we know", "Write pf=ip4 or pf=ip6.")


def read_source_port(given: Given, spot: Spot) -> Said:
    """Read ``sourceport``: SENDTO binds to it, the others refuse packets from any other port."""
    field = "local_port" if spot.manner is Manner.SENDTO else "source_port"
    return {field: read_port(value_of(given))}


def read_multicast_interface(given: Given, _: Spot) -> Said:
    """Read ``ip-multicast-if``: an own address; socat would look a name up as a host."""
    word = value_of(given)
    if not word.text[:1].isdecimal():
        remedy = "Write an own IPv4 address; so-bindtodevice takes a name."
        raise word.refused(f"{word.text[:40]!r} is not an address", remedy)
    return {"multicast_interface": str(read_own_address(word))}


def read_setsockopt(given: Given, _: Spot) -> Said:
    """Read the three options of IPv6 groups that socat knows by LEVEL:NUMBER:VALUE alone."""
    word = value_of(given)
    known = word.text[:6]
    argument = word.from_(min(6, len(word.text)))
    match known:
        case "41:17:":
            return {"multicast_interface": str(read_number(argument, "the index", 1, 2**31 - 1))}
        case "41:18:":
            return {"multicast_hop_limit": read_number(argument, "the hop limit", 0, 255)}
        case "41:19:":
            return {"loop": bool(read_number(argument, "the loop", 0, 1))}
    remedy = "Of IPv6 groups: 41:17:INDEX, their interface, 41:18:HOPS, and 41:19:0 or 1, their loop."
    raise word.refused(f"we do not know the socket option {word.text[:40]!r}", remedy)
