"""The host's network interfaces: which there are, which one a user means, which one to prefer.

A snapshot is read on request and never kept here. What it says is true of the network namespace of the
calling thread.
"""

from __future__ import annotations

import difflib
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address
from typing import TYPE_CHECKING

from mcast_tui.errors import NetworkRefused, UsageError, describe_errno
from mcast_tui.net import rtnetlink, sockopt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.wire.literal import Address

# Interface flags: netdevice(7).
IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_MULTICAST = 0x1000
IFF_LOWER_UP = 0x10000

_PROBE: dict[int, Address] = {4: IPv4Address("239.255.255.250"), 6: IPv6Address("2000::1")}
"""Whose route says where multicast had best go. IPv6 has a route for groups on every interface, which tells
nothing, so there the default route decides. Connecting a UDP socket sends nothing."""

_PROBE_PORT = 9


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface as the kernel described it at one moment."""

    index: int
    name: str
    is_up: bool
    """Switched on by the administrator."""
    has_carrier: bool
    """The other end answers: a cable, an access point."""
    is_multicast: bool
    """IFF_MULTICAST: advice only, the kernel joins and sends without it too."""
    is_loopback: bool
    mtu: int
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    mac: bytes = b""
    """Its link-layer address, six octets on Ethernet; empty where it has none."""

    @property
    def ipv4(self) -> IPv4Address | None:
        """The first IPv4 address; None when it has none."""
        return next((network.ip for network in self.networks), None)

    @property
    def networks(self) -> tuple[IPv4Interface, ...]:
        """The IPv4 addresses with their networks."""
        return tuple(address for address in self.addresses if isinstance(address, IPv4Interface))


def list_interfaces() -> tuple[Interface, ...]:
    """Return all interfaces by index, each with its addresses.

    Raises NetworkRefused when the kernel does not tell: no file may be opened, no netlink is allowed.
    """
    try:
        links, entries = rtnetlink.dump_links(), rtnetlink.dump_addresses()
    except OSError as error:
        number = error.errno or 0
        reason = describe_errno(number)
        raise NetworkRefused("list the network interfaces", reason, errno=number) from error
    addresses: dict[int, list[IPv4Interface | IPv6Interface]] = {}
    for entry in entries:
        addresses.setdefault(entry.index, []).append(entry.address)
    return tuple(
        Interface(
            index=link.index,
            name=link.name,
            is_up=bool(link.flags & IFF_UP),
            has_carrier=bool(link.flags & IFF_LOWER_UP),
            is_multicast=bool(link.flags & IFF_MULTICAST),
            is_loopback=bool(link.flags & IFF_LOOPBACK),
            mtu=link.mtu,
            addresses=tuple(addresses.get(link.index, ())),
            mac=link.mac,
        )
        for link in sorted(links, key=lambda link: link.index)
    )


def name_by_index(interfaces: Iterable[Interface], ifindex: int | None) -> str | None:
    """Return the name one of these interfaces had when they were listed; None where it is none of them."""
    return next((each.name for each in interfaces if each.index == ifindex), None)


def interface_name(ifindex: int | None) -> str | None:
    """Ask the kernel for the name an interface has now: it may be renamed at any time. None: it is gone."""
    try:
        return None if ifindex is None else socket.if_indextoname(ifindex)
    except OSError:
        return None


def typeable(name: str, ifindex: int) -> str:
    """Return what can be typed for an interface: its name, or its index where no key writes all of that."""
    return name if name.isascii() and name.isprintable() else str(ifindex)


def resolve_interface(text: str, interfaces: Iterable[Interface]) -> Interface:
    """Return the interface a user wrote: its name, else its index, else one of its addresses.

    Raises UsageError, which lists what there is.
    """
    known = tuple(interfaces)
    for interface in known:
        if text == interface.name:
            return interface
    for interface in known:
        if text == str(interface.index) or _owns(interface, text):
            return interface
    names = [interface.name for interface in known]
    close = difflib.get_close_matches(text, names, n=1)
    there_are = f"There are {', '.join(names)}." if names else "This host has no interface."
    is_address = _parse_address(text) is not None
    raise UsageError(
        f"use the interface {text!r}",
        "no interface has this address" if is_address else "there is no such interface",
        remedy=f"Did you mean {close[0]}? {there_are}" if close else there_are,
        command="ip -brief address" if is_address else "ip -brief link",
    )


def preferred_interface(interfaces: Iterable[Interface], family: int) -> Interface | None:
    """Return where a group of `family` (4 or 6) is best joined when the user named no interface.

    One that can multicast, best the one the routes lead to, else one with carrier and with an address of the
    family that is more than link-local. The loopback only when nothing else is up; None when not even that.
    """
    candidates = [interface for interface in interfaces if interface.is_up]
    routed = route_source(_PROBE[family])

    def fitness(interface: Interface) -> tuple[bool, bool, bool, bool, bool, bool, int]:
        owned = [address.ip for address in interface.addresses if address.version == family]
        is_routable = any(not address.is_link_local for address in owned)
        return (
            not interface.is_loopback,
            interface.is_multicast,
            routed in owned,
            interface.has_carrier,
            is_routable,
            bool(owned),
            -interface.index,
        )

    return max(candidates, key=fitness, default=None)


def route_source(address: Address, interface: Interface | None = None) -> Address | None:
    """Return the address the kernel would send to `address` from; None when it has no route there.

    Asks by connecting a UDP socket, which sends nothing.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sockopt.set_broadcast(sock)
        try:
            if interface is not None:
                sockopt.bind_to_interface(sock, interface.index)
            if isinstance(address, IPv4Address):
                sock.connect((str(address), _PROBE_PORT))
            else:
                scope = interface.index if interface is not None else 0
                sock.connect((str(IPv6Address(int(address))), _PROBE_PORT, 0, scope))
        except OSError:
            return None
        source = ip_address(sock.getsockname()[0].partition("%")[0])
    return None if source.is_unspecified else source


def _owns(interface: Interface, text: str) -> bool:
    address = _parse_address(text)
    return address is not None and any(address == own.ip for own in interface.addresses)


def _parse_address(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
