"""Why the kernel did not take a datagram: one message for each cause, with what would help."""

from __future__ import annotations

import errno
import shlex
import socket
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, describe_errno
from mcast_tui.net.interfaces import Interface, list_interfaces, preferred_interface
from mcast_tui.net.raw import raw_protocol
from mcast_tui.net.refusals import (
    describe_endpoint,
    find_interface,
    read_limit,
    refuse_gone,
    refuse_plainly,
    refuse_scopeless,
)
from mcast_tui.wire.scope import LIMITED_BROADCAST

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.literal import Address


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A datagram that was refused, and the host's state as far as it explains why."""

    error: OSError
    sock: socket.socket
    destination: Address
    port: int
    length: int
    ifindex: int | None
    interface: Interface | None
    """The interface it should have left by; None when none was named, or when it is gone."""
    interface_name: str

    @property
    def attempted(self) -> str:
        through = f" through {self.interface_name}" if self.ifindex else ""
        return f"send to {describe_endpoint(self.destination, self.port, self.protocol)}{through}"

    @property
    def protocol(self) -> int | None:
        """Of raw IP; None is UDP."""
        return raw_protocol(self.sock)

    def refused(self, reason: str, remedy: str | None = None, command: str | None = None) -> NetworkRefused:
        return NetworkRefused(self.attempted, reason, errno=self.error.errno, remedy=remedy, command=command)


def refuse_send(
    error: OSError,
    sock: socket.socket,
    destination: Address,
    port: int,
    length: int,
    ifindex: int | None,
    interface_name: str | None = None,
) -> McastError:
    """Say why ``sendmsg(2)`` failed."""
    interface = find_interface(ifindex) if ifindex else None
    name = interface.name if interface else interface_name or f"interface {ifindex}"
    attempt = _Attempt(error, sock, destination, port, length, ifindex, interface, name)
    if ifindex and interface is None:
        return refuse_gone(attempt.attempted, name, error.errno or errno.ENODEV)
    explain = _SEND_REFUSALS.get(error.errno or 0)
    return explain(attempt) if explain else refuse_plainly(attempt.attempted, error)


def refuse_too_long(
    destination: Address, port: int, length: int, longest: int, protocol: int | None = None
) -> NetworkRefused:
    """Say that no datagram can be that long."""
    what = f"IPv{destination.version} {'UDP datagram' if protocol is None else 'packet'}"
    return NetworkRefused(
        f"send to {describe_endpoint(destination, port, protocol)}",
        f"{length} bytes are too long, one {what} carries at most {longest}",
        remedy=f"Shorten it by {length - longest} bytes or send it in parts.",
    )


def _unreachable(attempt: _Attempt) -> McastError:
    interface = attempt.interface
    if interface is None:
        return _no_route(attempt)
    name, version = interface.name, attempt.destination.version
    if not interface.is_up:
        return attempt.refused(
            f"the interface {name} is down", "Switch it on.", f"sudo ip link set {shlex.quote(name)} up"
        )
    if version == 6 and interface.is_loopback and attempt.destination.is_multicast:
        return attempt.refused(
            "the loopback has no route for IPv6 multicast",
            "Use another interface or add the route.",
            "sudo ip -6 route add local ff00::/8 dev lo",
        )
    if not any(address.version == version for address in interface.addresses):
        return _no_address(attempt, interface)
    return _no_route(attempt)


def _no_address(attempt: _Attempt, interface: Interface) -> McastError:
    name, version = interface.name, attempt.destination.version
    if version == 6 and read_limit("net", "ipv6", "conf", name, "disable_ipv6") == 1:
        return attempt.refused(
            f"IPv6 is switched off on {name}",
            "Switch it on, or use another interface.",
            f"sudo sysctl {shlex.quote(f'net/ipv6/conf/{name}/disable_ipv6=0')}",
        )
    return attempt.refused(
        f"{name} has no IPv{version} address",
        "Give it one, or use another interface.",
        f"ip -{version} address show dev {shlex.quote(name)}",
    )


def _no_route(attempt: _Attempt) -> McastError:
    destination = attempt.destination
    through = attempt.interface or preferred_interface(list_interfaces(), destination.version)
    where = f" through {attempt.interface.name}" if attempt.interface else ""
    reason = f"there is no route to {destination}{where}"
    network = _network_to_route(destination)
    if network is None:
        return attempt.refused(
            reason,
            "It needs a default route or one to its network.",
            f"ip route get {destination}",
        )
    if through is None or through.is_loopback:
        return attempt.refused(reason, "No network interface is up: switch one on.", "ip -brief link")
    return attempt.refused(
        reason,
        "Add one." if attempt.interface else "Name an interface to send through, or add a route.",
        f"sudo ip route add {network} dev {shlex.quote(through.name)}",
    )


def _network_to_route(destination: Address) -> str | None:
    if destination.is_multicast:
        return "224.0.0.0/4" if destination.version == 4 else "multicast ff00::/8 table local"
    return str(LIMITED_BROADCAST) if destination == LIMITED_BROADCAST else None


def _firewalled(attempt: _Attempt) -> McastError:
    what = (
        f"UDP to {attempt.destination} port {attempt.port}"
        if attempt.protocol is None
        else f"IP protocol {attempt.protocol} to {attempt.destination}"
    )
    return attempt.refused(
        "a firewall rule of this host drops it on the way out",
        f"Allow {what} in the output rules.",
        "sudo nft list ruleset",
    )


def _forbidden(attempt: _Attempt) -> McastError:
    if not attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST):
        reason = "it is a broadcast address and this socket may not broadcast (SO_BROADCAST)"
        return PermissionRefused(attempt.attempted, reason, errno=errno.EACCES)
    return PermissionRefused(
        attempt.attempted,
        "a route of this host prohibits the destination",
        errno=errno.EACCES,
        remedy="Remove the prohibit route.",
        command=f"ip route get {attempt.destination}",
    )


def _no_buffer(attempt: _Attempt) -> McastError:
    buffer = attempt.sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    if attempt.length < buffer // 2:
        return attempt.refused("the interface's send queue is full", "Send more slowly.")
    return attempt.refused(
        f"the datagram does not fit the socket's send buffer of {buffer} bytes",
        "Send less at once, or raise the kernel's default.",
        "sudo sysctl net.core.wmem_default=212992",
    )


def _too_long_for_path(attempt: _Attempt) -> McastError:
    mtu = f" of {attempt.interface.name}, MTU {attempt.interface.mtu}" if attempt.interface else ""
    return attempt.refused(
        f"{attempt.length} bytes are too long for the path{mtu}", "Send it in smaller parts."
    )


def _invalid(attempt: _Attempt) -> McastError:
    if isinstance(attempt.destination, IPv6Address) and not attempt.ifindex:
        return refuse_scopeless(attempt.attempted, attempt.destination, errno.EINVAL)
    if attempt.protocol == socket.IPPROTO_ICMPV6 and attempt.length < _ICMPV6_LEAST:
        return attempt.refused(
            "the kernel writes a checksum into the third and fourth byte of ICMPv6",
            f"Send at least {_ICMPV6_LEAST} bytes.",
        )
    return attempt.refused(
        describe_errno(errno.EINVAL),
        "A blackhole route looks like this.",
        f"ip route get {attempt.destination}",
    )


_ICMPV6_LEAST = 4
"""Bytes the kernel needs to write the checksum of ICMPv6 where it belongs (RFC 3542 section 3.1)."""


def _no_source(attempt: _Attempt) -> McastError:
    where = attempt.interface.name if attempt.interface else "this host"
    return attempt.refused(
        f"{where} has no IPv{attempt.destination.version} address to send from, or none confirmed yet",
        "Wait a second or two for its address, or give it one.",
        "ip -brief address",
    )


_SEND_REFUSALS: dict[int, Callable[[_Attempt], McastError]] = {
    errno.ENETUNREACH: _unreachable,
    errno.EHOSTUNREACH: _no_route,
    errno.ENETDOWN: _unreachable,
    errno.EPERM: _firewalled,
    errno.EACCES: _forbidden,
    errno.ENOBUFS: _no_buffer,
    errno.EMSGSIZE: _too_long_for_path,
    errno.EINVAL: _invalid,
    errno.EADDRNOTAVAIL: _no_source,
}
