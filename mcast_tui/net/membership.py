"""Memberships: a socket joins a group on an interface, and leaves it again.

By interface index always: names and addresses change, and a route is not needed then. Not refused: a group
of the SSM range (232.0.0.0/8, ff3x::/32) without a source, which Linux joins like any other; the caller may
warn.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from mcast_tui.errors import McastError, NetworkRefused, UsageError, describe_errno
from mcast_tui.net import sockopt
from mcast_tui.net.refusals import find_interface, read_limit, refuse_gone

if TYPE_CHECKING:
    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.literal import Address

_ALREADY_LEFT = {errno.EADDRNOTAVAIL, errno.ENODEV, errno.EINVAL, errno.EBADF}
"""What leaving answers when the membership, its interface or the whole socket is gone already."""

_FULL = {errno.ENOBUFS, errno.ENOMEM}
"""Past a limit: IPv4 counts against igmp_max_memberships and igmp_max_msf, IPv6 against option memory too."""

_CONFLICT = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EINVAL}
"""Joined already, or joined with the other filter mode."""


class FurtherSocketNeeded(NetworkRefused):
    """This socket cannot hold one more membership, or not one of this kind; a fresh socket can."""


@dataclass(frozen=True, slots=True)
class MembershipKey:
    """What a socket can be a member of only once."""

    group: Address
    ifindex: int
    source: Address | None = None
    """The one source of (S,G); None for (*,G), any source."""


class Membership:
    """One join, as a context manager: joined on enter, left on exit.

    ``leave()`` then ``join()`` announces the membership anew, which a re-plugged or recreated interface
    needs. Closing the socket leaves too.
    """

    def __init__(
        self, sock: socket.socket, group: Address, interface: Interface, source: Address | None = None
    ) -> None:
        self.key = MembershipKey(group, interface.index, source)
        self.interface = interface
        self._sock = sock

    def __enter__(self) -> Self:
        self.join()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def join(self) -> None:
        """Join; the kernel announces it with IGMP or MLD when this host was no member yet.

        Raises FurtherSocketNeeded when another socket would be accepted, UsageError when this socket is
        joined already, and other McastErrors as the kernel refuses.
        """
        self._check()
        key = self.key
        try:
            sockopt.join_group(self._sock, key.group, key.ifindex, key.source)
        except OSError as error:
            raise self._refusal(error) from error

    def __str__(self) -> str:
        source = f"{self.key.source}," if self.key.source is not None else ""
        return f"{source}{self.key.group} on {self.interface.name}"

    def leave(self) -> None:
        """Leave; done already is as good as done now."""
        try:
            sockopt.leave_group(self._sock, self.key.group, self.key.ifindex, self.key.source)
        except OSError as error:
            if error.errno not in _ALREADY_LEFT:
                raise

    def _check(self) -> None:
        group, source = self.key.group, self.key.source
        if not group.is_multicast:
            raise UsageError(
                f"join {self}",
                f"{group} is not a group",
                remedy="Groups lie in 224.0.0.0/4 and ff00::/8.",
            )
        is_ipv4 = self._sock.family == socket.AF_INET
        if is_ipv4 != (group.version == 4) or (source is not None and source.version != group.version):
            raise UsageError(
                f"join {self}", "the group, its source and the socket are not of the same IP version"
            )
        if source is not None and self._held() == sockopt.MCAST_EXCLUDE:
            raise self._conflict()  # the kernel would turn the socket's (*,G) into this (S,G), unasked
        if sockopt.bound_interface(self._sock) not in (0, self.key.ifindex):
            raise FurtherSocketNeeded(  # the kernel would join, and never deliver
                f"join {self}", "this socket hears another interface only", remedy="Join on another socket."
            )

    def _refusal(self, error: OSError) -> McastError:
        """Say why the kernel refused; an errno means different things with and without a source."""
        key, number = self.key, error.errno or 0
        attempted = f"join {self}"
        if find_interface(key.ifindex) is None:
            return refuse_gone(attempted, self.interface.name, number)
        held = self._held()
        if number in _FULL:
            return self._too_many(attempted, number, held)
        if number in _CONFLICT and held is not None:
            wanted = sockopt.MCAST_EXCLUDE if key.source is None else sockopt.MCAST_INCLUDE
            if held == wanted:
                return UsageError(attempted, "it is joined already", errno=number)
            return self._conflict()
        return NetworkRefused(attempted, describe_errno(number), errno=number, command="ip -brief address")

    def _held(self) -> int | None:
        return sockopt.filter_mode(self._sock, self.key.group, self.key.ifindex)

    def _conflict(self) -> McastError:
        return FurtherSocketNeeded(
            f"join {self}",
            "one socket cannot hear both any source and chosen sources of a group",
            remedy="Join on another socket.",
        )

    def _too_many(self, attempted: str, number: int, held: int | None) -> McastError:
        """Name the limit that was reached: sources of a group, or groups of a socket."""
        is_ipv4 = self.key.group.version == 4
        what, name = "groups", "net.ipv4.igmp_max_memberships" if is_ipv4 else None
        if held is not None and self.key.source is not None:
            what, name = "sources of this group", f"net.ipv{'4.igmp' if is_ipv4 else '6.mld'}_max_msf"
        limit = read_limit(*name.split(".")) if name else None
        return FurtherSocketNeeded(
            attempted,
            f"this socket has joined as many {what} as the kernel allows" + (f", {limit}" if limit else ""),
            errno=number,
            remedy="Join on another socket, or raise the limit." if limit else "Join on another socket.",
            command=f"sudo sysctl {name}={2 * limit}" if limit else None,
        )
