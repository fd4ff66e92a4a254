"""What stands in the parameters and options of a socat address: hosts, ports, groups, interfaces, numbers.

Nothing is looked up: a host name, a service name and a protocol name are refused, ``localhost``
too, whatever the hosts file says. Numbers are decimal, or hexadecimal after 0x; socat's octal
(``010`` is 8), blanks and omitted values (``ttl`` is 1) are refused, for they are slips.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import TYPE_CHECKING, cast

from mcast_tui.wire.address import Endpoint, parse_network
from mcast_tui.wire.literal import parse_address, parse_number
from mcast_tui.wire.scope import Kind, classify
from mcast_tui.wire.socat.syntax import VALUE, split

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.socat.address import Network
    from mcast_tui.wire.socat.syntax import Word

_INTERFACE_NAME_LENGTH = 15  # IFNAMSIZ is 16 with the NUL: netdevice(7)
_LINK_SCOPED = (1, 2)
"""The scopes of IPv6 groups of which the kernel looks at a zone: interface-local and link-local."""


@dataclass(frozen=True, slots=True)
class Host:
    """An address, and the %zone it was written with."""

    address: Address
    zone: str | None = None


def read_number(word: Word, what: str, low: int, high: int) -> int:
    """Return a decimal or 0x number from `low` to `high`; `what` names it in a refusal."""
    if word.text[:2].lower() != "0x":
        return word.read(lambda piece: parse_number(piece, what, low, high))
    digits = word.text[2:]
    bad = next((at for at, digit in enumerate(digits) if digit not in "0123456789abcdefABCDEF"), None)
    if bad is not None or not digits:
        raise word.refused(f"{word.text[:40]!r} is not a hexadecimal number", at=2 + (bad or 0))
    number = int(digits, 16)
    if not low <= number <= high:
        raise word.refused(f"{what} {word.text[:40]} is not from {low} to {high}")
    return number


def read_port(word: Word) -> int:
    """Return a port from 1 to 65535."""
    if word.text[:1].isalpha():
        reason = f"{word.text[:40]!r} is not a port: names of services are not looked up"
        raise word.refused(reason, "Write its number, from 1 to 65535.")
    return read_number(word, "the port", 1, 65535)


def read_protocol(word: Word) -> int:
    """Return an IP protocol number a raw socket can be opened with: 1 to 255."""
    if word.text[:1].isalpha():
        reason = f"{word.text[:40]!r} is not a protocol: names are not looked up"
        raise word.refused(reason, "Write its number, for example 253 or 254 (RFC 3692).")
    return read_number(word, "the protocol", 1, 255)


def read_host(word: Word, family: int | None = None) -> Host:
    """Return an IPv4 address, or an IPv6 one in brackets with its zone; `family` is the one it must be of."""
    shown = "[ff02::42%eth0]" if family == 6 else "224.1.0.1"
    inner, zone = word, None
    if word.text.startswith("["):
        if not word.text.endswith("]") or word.text.count("]") > 1:
            raise word.refused("nothing may follow the bracket", at=word.text.index("]") + 1)
        inner = word.from_(1, len(word.text) - 1)
        if ":" not in inner.text:
            raise inner.refused("brackets are for IPv6 addresses", "Leave them out.")
    elif ":" in word.text:
        raise word.refused("an IPv6 address needs its brackets", f"Write {shown}.")
    if "%" in inner.text:
        at = inner.text.index("%")
        inner, zone = inner.from_(0, at), _read_zone(inner, at)
    address = inner.read(parse_address, f"Names are not looked up: write an address such as {shown}.")
    if family is not None and address.version != family:
        remedy = f"Write an IPv{family} address, or let the type or pf say IPv{address.version}."
        raise word.refused(f"{address} is IPv{address.version} where IPv{family} is spoken", remedy)
    if zone is not None and not _needs_zone(address):
        remedy = f"Leave out %{zone} and add the option so-bindtodevice=INTERFACE."
        raise word.refused("only a link-local address has a zone in socat", remedy, at=word.text.index("%"))
    return Host(address, zone)


def _read_zone(inner: Word, at: int) -> str:
    if ":" not in inner.text[:at]:
        remedy = "Leave it out and add the option so-bindtodevice=INTERFACE."
        raise inner.refused("an IPv4 address has no zone in socat", remedy, at=at)
    return _read_interface_name(inner.from_(at + 1))


def _needs_zone(address: Address) -> bool:
    return address.is_link_local or (address.is_multicast and address.packed[1] & 0xF in _LINK_SCOPED)


def read_destination(word: Word, family: int | None) -> Host:
    """Return a host that packets can be sent to."""
    host = read_host(word, family)
    if host.address.is_unspecified:
        raise word.refused(f"{host.address} is no destination")
    return host


def read_bind_address(word: Word, family: int, *, with_port: bool) -> tuple[Host | None, int | None]:
    """Return the address (None is every one) and port of ``bind=ADDRESS:PORT``; either may be missing."""
    host_word, *rest = split(word, ":", VALUE, 1)
    if not host_word.text and not (rest and rest[0].text):
        raise word.refused("the address is missing", "Write for example bind=:6666.")
    if family == 6 and len(rest) == 1 and ":" in rest[0].text:
        raise word.refused("an IPv6 address needs its brackets", "Write for example bind=[::]:6666.")
    if rest and not with_port:
        remedy = "The port is the parameter of this type; with raw IP there is none."
        raise rest[0].refused("bind has no port here", remedy)
    port = read_port(rest[0]) if rest else None
    if not host_word.text:
        return None, port
    host = read_host(host_word, family)
    return None if host.address.is_unspecified else host, port


def read_range(word: Word, family: int) -> Network:
    """Return the network of ``ADDRESS/BITS``, of ``ADDRESS:MASK`` with IPv4, or of ``[ADDRESS]/BITS``."""
    if "/" not in word.text and family == 4 and ":" in word.text:
        network: Network = _read_masked(word)
    else:
        if "/" not in word.text:
            remedy = "Write for example 192.168.10.0/24, or ADDRESS/32 for one host."
            raise word.refused("the prefix length is missing", remedy, at=len(word.text))
        if ":" in word.text and not word.text.startswith("["):
            raise word.refused("an IPv6 range needs its brackets", "Write for example [fe80::]/64.")
        network = word.read(lambda piece: parse_network(str(piece)))
    if network.version != family:
        raise word.refused(f"{network} is IPv{network.version} where IPv{family} is spoken")
    return network


def _read_masked(word: Word) -> IPv4Network:
    at = word.text.index(":")
    address = word.from_(0, at).read(parse_address)
    mask = read_host(word.from_(at + 1), 4).address
    bits = f"{int(mask):032b}"
    length = bits.count("1")
    if "01" in bits:
        raise word.refused(f"the mask {mask} has holes", "Write for example :255.255.255.0.", at=at + 1)
    network = ip_network((address, length), strict=False)
    if network.network_address != address:
        raise word.refused(f"{address} has bits set beyond the mask", f"Write {network}.")
    return cast("IPv4Network", network)


def read_membership(word: Word) -> Endpoint:
    """Return ``GROUP:INTERFACE`` or ``GROUP:ADDRESS:INTERFACE`` of IPv4; the kernel looks at the last."""
    group, *rest = split(word, ":", VALUE, 2)
    if not rest:
        remedy = f"Write for example {word.text[:40]}:eth0, its address or its index."
        raise word.refused("the interface is missing", remedy, at=len(word.text))
    for named in rest[:-1]:
        read_host(named, 4)
    return Endpoint(_read_group(group, 4), 0, _read_ipv4_interface(rest[-1]))


def read_source_membership(word: Word) -> Endpoint:
    """Return ``GROUP:INTERFACE:SOURCE`` as an (S,G) membership of IPv4."""
    parts = split(word, ":", VALUE)
    if len(parts) != 3:
        remedy = "Write GROUP:INTERFACE:SOURCE, for example 232.1.1.1:eth0:192.168.10.1."
        raise word.refused(f"it has {len(parts)} parts, not 3", remedy)
    group, interface, source_word = parts
    source = read_host(source_word, 4).address
    if source.is_unspecified or classify(source, ()) is not Kind.UNICAST:
        raise source_word.refused(f"the source {source} is not the address of one host")
    return Endpoint(_read_group(group, 4), 0, _read_ipv4_interface(interface), source)


def read_ipv6_membership(word: Word) -> Endpoint:
    """Return ``[GROUP]:INTERFACE``, an interface's name or index."""
    group, *rest = split(word, ":", VALUE)
    if not rest or not group.text.startswith("["):
        raise word.refused("it is not [GROUP]:INTERFACE", "Write for example [ff15::42]:eth0.")
    if len(rest) > 1:
        remedy = "Write the name or the index of one interface."
        raise rest[1].refused("only the interface stands after the group", remedy)
    return Endpoint(_read_group(group, 6), 0, read_interface(rest[0]))


def _read_group(word: Word, family: int) -> Address:
    host = read_host(word, family)
    if not host.address.is_multicast:
        raise word.refused(f"{host.address} is not a group", "Groups are 224.0.0.0/4 and ff00::/8.")
    if host.zone is not None:
        raise word.refused("a group to join has no zone", "The interface stands after it: [ff02::42]:eth0.")
    return host.address


def _read_ipv4_interface(word: Word) -> str | None:
    """Return an interface's name, index or own address; None for 0.0.0.0 and 0, where the kernel chooses."""
    if "." not in word.text or not set(word.text) <= set("0123456789."):
        return read_interface(word)
    address = read_own_address(word)
    return None if address.is_unspecified else str(address)


def read_own_address(word: Word) -> IPv4Address:
    """Return an IPv4 address."""
    address = read_host(word, 4).address
    assert isinstance(address, IPv4Address)  # of the family asked for
    return address


def read_interface(word: Word) -> str | None:
    """Return an interface's name or index; None for 0, where the kernel chooses."""
    if word.text.isdecimal() and word.text.isascii():
        index = read_number(word, "the index", 0, 2**31 - 1)
        return str(index) if index else None
    return _read_interface_name(word)


def _read_interface_name(word: Word) -> str:
    if not word.text:
        raise word.refused("the interface is missing", "Write its name or its index.")
    for at, character in enumerate(word.text[: _INTERFACE_NAME_LENGTH + 1]):
        if not "!" <= character <= "~" or character in "/:":
            raise word.refused(f"{character!r} cannot be in an interface's name", at=at)
    if len(word.text) > _INTERFACE_NAME_LENGTH:
        reason = f"an interface name has at most {_INTERFACE_NAME_LENGTH} characters"
        raise word.refused(reason, at=_INTERFACE_NAME_LENGTH)
    return word.text


def read_device(word: Word) -> str:
    """Return an interface's name, as so-bindtodevice takes it."""
    return _read_interface_name(word)
