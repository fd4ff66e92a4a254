"""What the kernel refused, in words, with what would help: one message for each cause a user can run into.

An errno alone rarely says the cause (ENETUNREACH is "no route", "interface down" and "no IPv6 address"
alike), so the state of the host is read, once, at the moment of the failure. Nothing here changes anything.
"""

from __future__ import annotations

import errno
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, UsageError, describe_errno
from mcast_tui.net.interfaces import Interface, list_interfaces, preferred_interface
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from mcast_tui.wire.literal import Address


def read_limit(*name: str) -> int | None:
    """Return a numeric sysctl by the parts of its name; None where it does not exist."""
    try:
        return int(Path("/proc/sys", *name).read_text())
    except (OSError, ValueError):
        return None


def find_interface(ifindex: int | None) -> Interface | None:
    """Return an interface as it is now; None when it is gone."""
    return next((interface for interface in list_interfaces() if interface.index == ifindex), None)


def refuse_gone(attempted: str, name: str, number: int) -> NetworkRefused:
    """Say that an interface is no more."""
    return NetworkRefused(
        attempted,
        f"{name} is gone",
        errno=number,
        remedy="Plug it in again or choose another interface.",
        command="ip -brief link",
    )


def refuse_scopeless(attempted: str, address: Address, number: int | None = None) -> UsageError:
    """Say that a link-local IPv6 address means nothing without an interface (RFC 4007).

    `number` is the kernel's errno, if it was asked.
    """
    preferred = preferred_interface(list_interfaces(), 6)
    example = f"{address}%{preferred.name}" if preferred else f"{address}%INTERFACE"
    return UsageError(
        attempted,
        f"{address} exists on every link, so it needs an interface",
        errno=number,
        remedy=f"Write it as {example}.",
    )


def refuse_plainly(attempted: str, error: OSError) -> NetworkRefused:
    """Say it in the kernel's own words, where nothing better is known."""
    number = error.errno or 0
    return NetworkRefused(attempted, describe_errno(number), errno=number)


def describe_endpoint(address: Address, port: int, protocol: int | None = None) -> str:
    """Return ``224.1.0.1:6666`` or ``[ff15::42]:6666``; of raw IP ``ip://224.1.0.1:253``."""
    return address_and_port(str(address), port, protocol)


def refuse_raw(error: OSError, address: Address, protocol: int) -> PermissionRefused:
    """Say that raw IP is not for everybody, and how to start with the one privilege it takes."""
    attempted = f"open {describe_endpoint(address, 0, protocol)}"
    reason = "raw IP needs a privilege (CAP_NET_RAW)"
    if os.geteuid() == 0:
        return PermissionRefused(
            attempted,
            f"{reason}, which is withheld even from root here",
            errno=error.errno,
            remedy="Start the container or service with it (docker run --cap-add NET_RAW), or use UDP, "
            "which needs none.",
        )
    return PermissionRefused(
        attempted,
        reason,
        errno=error.errno,
        remedy="Start it as root, or use UDP, which needs no privilege.",
        command=shlex.join(["sudo", sys.executable, *sys.orig_argv[1:]]),
    )


def refuse_socket(error: OSError, address: Address, port: int, protocol: int | None = None) -> McastError:
    """Say why ``socket(2)`` failed."""
    attempted = f"open a socket for {describe_endpoint(address, port, protocol)}"
    if error.errno == errno.EMFILE:
        return NetworkRefused(
            attempted,
            "this process has as many files open as it may",
            errno=error.errno,
            remedy="Every group costs one open file: join fewer, or raise the limit and start again.",
            command="ulimit -Hn; ulimit -n 65536",
        )
    if error.errno == errno.EAFNOSUPPORT:
        return NetworkRefused(
            attempted, f"this kernel has no IPv{address.version}", errno=error.errno, remedy=None
        )
    return refuse_plainly(attempted, error)


def refuse_bind(
    error: OSError, address: Address, port: int, interface: Interface | None, protocol: int | None = None
) -> McastError:
    """Say why a socket could not be prepared for, or bound to, `address` and `port`."""
    attempted = f"open {describe_endpoint(address, port, protocol)}"
    if error.errno == errno.ENODEV and interface is not None:
        return refuse_gone(attempted, interface.name, error.errno)
    if error.errno == errno.EADDRINUSE:
        return _port_in_use(attempted, port)
    if error.errno == errno.EACCES:
        return _port_privileged(attempted, port)
    if error.errno == errno.EADDRNOTAVAIL:
        return NetworkRefused(
            attempted,
            f"{address} is not an address of this host",
            errno=error.errno,
            remedy="Use one of its own addresses, or none.",
            command="ip -brief address",
        )
    if error.errno == errno.EINVAL and address.version == 6:
        return refuse_scopeless(attempted, address, errno.EINVAL)
    return refuse_plainly(attempted, error)


def _port_in_use(attempted: str, port: int) -> McastError:
    from mcast_tui.net.port_holder import find_port_holders

    holders = find_port_holders(port)
    who = " and ".join(f"{holder.name} (process {holder.pid})" for holder in holders) or "another program"
    return NetworkRefused(
        attempted,
        f"{who} holds UDP port {port} and does not share it",
        errno=errno.EADDRINUSE,
        remedy="End that program, let it share the port (socat: reuseaddr), or use another port.",
        command=f"sudo ss -lunp 'sport = :{port}'",
    )


def _port_privileged(attempted: str, port: int) -> McastError:
    start = read_limit("net", "ipv4", "ip_unprivileged_port_start") or 1024
    return PermissionRefused(
        attempted,
        f"ports below {start} need a privilege (CAP_NET_BIND_SERVICE)",
        errno=errno.EACCES,
        remedy=f"Use a port from {start}, or allow this one to everybody.",
        command=f"sudo sysctl net.ipv4.ip_unprivileged_port_start={port}",
    )
