"""Endpoints: where packets go and come from, as people write them and as we write them back.

``[SOURCE,]ADDRESS[%INTERFACE][:PORT][+N]``, ``[ff15::42%eth0]:6666``, ``broadcast[%IF][:PORT]``,
``udp://[SOURCE@]GROUP:PORT`` and the same with ``rtp://``; ``ip://[SOURCE@]GROUP[%INTERFACE]:PROTOCOL``
is raw IP, where a protocol number stands in place of the port. An interface is kept as written (name,
index or own address) and resolved by `net.interfaces`; host names are refused, never looked up.
An IPv6 address needs its brackets as soon as a port follows: ``ff15::42:6666`` is an address.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from mcast_tui.errors import EndpointError
from mcast_tui.wire.literal import Address, Piece, parse_address, parse_number, read_text
from mcast_tui.wire.scope import LIMITED_BROADCAST, Kind, Scope, classify, scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from ipaddress import IPv4Interface

__all__ = [
    "BROADCAST_WORD",
    "DEFAULT_PORT",
    "LIMITED_BROADCAST",
    "MAX_RUN",
    "Address",
    "Endpoint",
    "Kind",
    "Scope",
    "address_and_port",
    "classify",
    "parse_endpoint",
    "parse_group",
    "parse_network",
    "scope_of",
]

DEFAULT_PORT = 6666
"""The tutorial's port."""
MAX_RUN = 10_000
"""Groups one endpoint may stand for: what we are measured to join within a second; +N beyond is a slip."""
BROADCAST_WORD = "broadcast"

_INTERFACE_NAME_LENGTH = 15  # IFNAMSIZ is 16 with the NUL: netdevice(7)
_NOT_IN_INTERFACE = frozenset("/:%,+[]@")
RAW_SCHEME = "ip"
_SCHEMES = ("udp", "rtp", RAW_SCHEME)
_LAST_GROUP = {
    4: int(IPv4Network("224.0.0.0/4").broadcast_address),
    6: int(IPv6Network("ff00::/8").broadcast_address),
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A group, broadcast or unicast address with all that was said about it; prints canonically."""

    address: Address
    """The destination; the first of the run when `count` is more than 1."""
    port: int = DEFAULT_PORT
    interface: str | None = None
    """Name, index or own address, as written; None when the kernel or the user is to choose."""
    source: Address | None = None
    """The S of (S,G): only packets from there are wanted."""
    count: int = 1
    """Addresses in the run: ``G+19`` is 20."""
    protocol: int | None = None
    """Raw IP: the protocol number, and `port` is 0, for there are none. None is UDP."""
    names_port: bool = field(default=False, compare=False, repr=False)
    """The text it was read from named the port. It says nothing of the place: it is not compared."""

    def __str__(self) -> str:
        zone = f"%{self.interface}" if self.interface else ""
        place = BROADCAST_WORD if self.is_limited_broadcast else str(self.address)
        host = f"[{place}{zone}]" if self.family == 6 else f"{place}{zone}"
        further = f"+{self.count - 1}" if self.count > 1 else ""
        if self.protocol is not None:
            source = f"{self.source}@" if self.source else ""
            return f"{RAW_SCHEME}://{source}{host}:{self.protocol}{further}"
        source = f"{self.source}," if self.source else ""
        return f"{source}{host}:{self.port}{further}"

    def each(self) -> Iterator[Endpoint]:
        """Yield the addresses of the run as endpoints of one address each."""
        for offset in range(self.count):
            yield replace(self, address=self.address + offset, count=1)

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.address.version

    @property
    def is_multicast(self) -> bool:
        return self.address.is_multicast

    @property
    def is_limited_broadcast(self) -> bool:
        return self.address == LIMITED_BROADCAST


def address_and_port(address: str, port: int | None, protocol: int | None = None) -> str:
    """Return ``192.168.10.3:6666`` or ``[fe80::3]:6666``, of raw IP ``ip://192.168.10.3:253``.

    Where neither is known, or there is none, the address alone.
    """
    host = f"[{address}]" if ":" in address else address
    if protocol is not None:
        return f"{RAW_SCHEME}://{host}:{protocol}"
    return address if port is None else f"{host}:{port}"


def parse_endpoint(text: str, default_port: int = DEFAULT_PORT) -> Endpoint:
    """Read an endpoint in any of the notations; raises EndpointError with the column of the fault."""
    whole = read_text(text)
    source_piece, place = _split_source(whole)
    host, further = place.cut("+")
    address_piece, interface, port_piece = _split_host(host)
    address = _parse_destination(address_piece)
    source = None if source_piece is None else _parse_source(source_piece, address)
    count = 1 if further is None else 1 + _parse_further(further, address)
    if str(whole).lower().startswith(f"{RAW_SCHEME}://"):
        return Endpoint(address, 0, interface, source, count, _parse_protocol(port_piece, host))
    if port_piece is None:
        return Endpoint(address, default_port, interface, source, count)
    return Endpoint(address, _parse_port(port_piece), interface, source, count, names_port=True)


def parse_group(
    text: str, default_port: int = DEFAULT_PORT, networks: Iterable[IPv4Interface] = ()
) -> Endpoint:
    """Read an endpoint that can be joined: a group or a broadcast address.

    A directed broadcast address is known as one only with its network among `networks`.
    """
    endpoint = parse_endpoint(text, default_port)
    kind = classify(endpoint.address, networks)
    if kind in (Kind.UNICAST, Kind.NETWORK_ADDRESS):
        remedy = "Groups are 224.0.0.0/4 and ff00::/8, for example 224.1.0.1; or join broadcast."
        raise EndpointError(text, 0, f"{endpoint.address} is a {kind.value} address, not a group", remedy)
    return endpoint


def parse_network(text: str) -> IPv4Network | IPv6Network:
    """Read the network of a sender: ``192.168.10.0/24``, ``fe80::/64`` or ``[fe80::]/64``; an address is one.

    Raises EndpointError, which speaks of a network.
    """
    try:
        return _parse_network(text)
    except EndpointError as fault:
        # What the parts of it call right is an endpoint, unless it is a network.
        remedy = (
            fault.remedy if "/" in (fault.remedy or "") else "Write for example 192.168.10.0/24 or fe80::/64."
        )
        raise EndpointError(text, fault.column, fault.reason, remedy, what="network") from None


def _parse_network(text: str) -> IPv4Network | IPv6Network:
    place, length_piece = read_text(text).cut("/")
    bare, tail = _unbracket(place) if place.startswith("[") else (place, None)
    if tail:
        raise tail.refused("only a / and the prefix length may follow", "Write [fe80::]/64.")
    address = parse_address(bare)
    longest = address.max_prefixlen
    length = longest if length_piece is None else parse_number(length_piece, "the prefix length", 0, longest)
    network = ip_network((address, length), strict=False)
    if network.network_address != address:
        raise place.refused(f"{address} has bits set beyond /{length}", f"Write {network}.")
    if network.is_multicast:  # RFC 1122 section 3.2.1.3, RFC 4291 section 2.7
        remedy = "Write the network the senders are in, for example 192.168.10.0/24 or fe80::/64."
        raise place.refused("no packet comes from a multicast address", remedy)
    return network


def _split_source(piece: Piece) -> tuple[Piece | None, Piece]:
    """Return the source, if one is named, and the rest; both the plain and the URL notation end here."""
    scheme, rest = piece.cut("://")
    if rest is None:
        before, after = piece.cut(",")
    elif str(scheme).lower() in _SCHEMES:
        before, after = rest.cut("@")
    else:
        raise piece.refused(
            f"{str(scheme)!r} is not a scheme we read", "Write udp://, rtp:// or ip://, or nothing."
        )
    if after is None:
        return None, before
    if before.startswith("[") and "]" not in str(before):
        remedy = f"Write {_with_source_outside(before, after)}."
        raise before.refused("brackets hold one address, without its source", remedy)
    if rest is not None and not before:
        return None, after  # VLC's habit: udp://@GROUP
    return before, after


def _with_source_outside(source: Piece, rest: Piece) -> str:
    """Return the whole text as it can be read, where brackets hold the source too; else an example."""
    whole, tail = source.whole, str(rest)
    start = whole[: source.start] + whole[source.start : rest.start].lstrip("[")
    for text in (f"{start}[{tail}", start + tail, start + tail.replace("]", "")):
        try:
            parse_endpoint(text)
        except EndpointError:
            continue
        return text
    return "for example fd00::2,[ff15::42%eth0]:6666"


def _split_host(host: Piece) -> tuple[Piece, str | None, Piece | None]:
    """Return the address, the interface, and the port still to be read of ``ADDRESS[%INTERFACE][:PORT]``."""
    port: Piece | None
    if host.startswith("["):
        inner, tail = _unbracket(host)
        if tail and not tail.startswith(":"):
            remedy = "The interface goes inside the brackets: [ff15::42%eth0]:6666."
            raise tail.refused(f"{str(tail)[0]!r} cannot follow the bracket", remedy)
        port = tail.skip(1) if tail else None
    elif str(host.cut("%")[0]).count(":") > 1:
        inner, port = host, None
    else:
        inner, port = host.cut(":")
    address, zone = inner.cut("%")
    if host.startswith("[") and ":" not in str(address):
        raise address.refused("brackets are for IPv6 addresses", "Write for example 224.1.0.1%eth0:6666.")
    return address, None if zone is None else _parse_interface(zone), port


def _unbracket(piece: Piece) -> tuple[Piece, Piece]:
    """Return what stands inside and after the brackets that `piece` begins with."""
    inner, tail = piece.skip(1).cut("]")
    if tail is None:
        raise piece.refused("this [ is never closed", "Write for example [ff15::42%eth0]:6666.")
    return inner, tail


def _parse_interface(zone: Piece) -> str:
    text = str(zone)
    if not zone:
        raise zone.refused("the interface is missing after %", "Write its name, index or own address.")
    if text.count(":") > 1:
        parse_address(zone)
        return text
    bad = zone.find_any(_NOT_IN_INTERFACE)
    if bad is not None and text[bad] == ":":
        remedy = "Write it as [ff15::42%eth0]:6666."
        raise zone.refused("a port needs the IPv6 address in brackets", remedy, at=bad)
    if bad is not None and text[bad] == "]":
        raise zone.refused("no [ stands before this ]", "Write for example [ff15::42%eth0]:6666.", at=bad)
    if bad is not None:
        remedy = "Write the interface's index in place of its name."
        raise zone.refused(f"{text[bad]!r} cannot be in an interface here", remedy, at=bad)
    if len(text) > _INTERFACE_NAME_LENGTH:
        reason = f"an interface name has at most {_INTERFACE_NAME_LENGTH} characters"
        raise zone.refused(reason, at=_INTERFACE_NAME_LENGTH)
    return text


def _parse_destination(piece: Piece) -> Address:
    if str(piece).lower() == BROADCAST_WORD:
        return LIMITED_BROADCAST
    address = parse_address(piece)
    if address.is_unspecified:
        remedy = "Write broadcast to hear what is sent to everyone or to this host."
        raise piece.refused(f"{address} is no destination", remedy)
    return address


def _parse_port(piece: Piece) -> int:
    number, zone = piece.cut("%")
    if zone is not None:
        remedy = "Write for example 224.1.0.1%eth0:6666."
        raise piece.refused("the interface stands before the port", remedy, at=len(str(number)))
    return parse_number(piece, "the port", 1, 65535)


def _parse_protocol(piece: Piece | None, host: Piece) -> int:
    """Return the IP protocol number of a raw endpoint; 253 and 254 are there for experiments (RFC 3692)."""
    if piece is None:
        remedy = "Write for example ip://224.1.0.1:253."
        raise host.refused("raw IP needs a protocol number after the address", remedy)
    return parse_number(piece, "the protocol", 0, 255)


def _parse_source(piece: Piece, group: Address) -> Address:
    bare, zone = piece.cut("%")
    if zone is not None:
        raise piece.refused("a source has no interface", "Write it after the group.", at=len(str(bare)))
    if piece.startswith("["):
        bare, tail = _unbracket(piece)
        if tail:
            raise tail.refused("a source has no port", "Write only its address before the group.")
    elif str(bare).count(":") == 1:
        at = str(bare).index(":")
        raise piece.refused("a source has no port", "Write only its address before the group.", at=at)
    source = parse_address(bare)
    if source.version != group.version:
        reason = f"the source is IPv{source.version} and the group is IPv{group.version}"
        raise piece.refused(reason, "Both must be of one family.")
    if classify(source, ()) is not Kind.UNICAST or source.is_unspecified:
        raise piece.refused(f"the source {source} is not the address of one host")
    if not group.is_multicast:
        raise piece.refused(f"a source goes with a group, and {group} is none", "Use --range to filter.")
    return source


def _parse_further(piece: Piece, first: Address) -> int:
    if not first.is_multicast:
        raise piece.refused(f"+N goes with a group, and {first} is none", at=-1)
    if ":" in str(piece):
        at = str(piece).index(":")
        raise piece.refused("the port stands before +N", "Write for example 224.1.0.1:6666+19.", at=at)
    further = parse_number(piece, "+N", 0, MAX_RUN - 1)
    room = _LAST_GROUP[first.version] - int(first)
    if further > room:
        raise piece.refused("the run leaves the multicast addresses", f"At most +{room} fits after {first}.")
    return further
