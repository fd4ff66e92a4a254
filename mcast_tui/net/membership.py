"""Memberships: a socket joins a group on an interface, and leaves it again.

By interface index always: names and addresses change, and a route is not needed then. Not refused: a group
of the SSM range (232.0.0.0/8, ff3x::/32) without a source, which Linux joins like any other; the caller may
warn.
"""

from __future__ import annotations

import errno
import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from mcast_tui.errors import McastError, NetworkRefused, UsageError, describe_errno
from mcast_tui.net import sockopt
from mcast_tui.net.raw import heed_sources
from mcast_tui.net.refusals import find_interface, read_limit, refuse_gone
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, SourceFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.net.interfaces import Interface
    from mcast_tui.wire.literal import Address

_ALREADY_LEFT = {errno.EADDRNOTAVAIL, errno.ENODEV, errno.EINVAL, errno.EBADF}
"""What leaving answers when the membership, its interface or the whole socket is gone already."""

_FULL = {errno.ENOBUFS, errno.ENOMEM}
"""Past a limit: IPv4 counts against igmp_max_memberships and igmp_max_msf, IPv6 against option memory too."""

_CONFLICT = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EINVAL}
"""Joined already, or joined with the other filter mode."""

_JOINED, _JOINED_SOURCE = (("MCAST_JOIN_GROUP", 0),), (("MCAST_JOIN_SOURCE_GROUP", 0),)

_HEAR_NOTHING: tuple[sockopt.FilterStep, ...] = ((0x06, 0, 0, 0),)
"""A classic BPF program of one step: return, keeping no byte."""


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
    needs; a filter that was set meanwhile is set again. Closing the socket leaves too. `set_filter` is for
    the one membership of a socket in that group: the filter is the socket's.
    """

    def __init__(
        self,
        sock: socket.socket,
        group: Address,
        interface: Interface,
        source: Address | None = None,
        *,
        wanted: SourceFilter | None = None,
    ) -> None:
        self.key = MembershipKey(group, interface.index, source)
        self.interface = interface
        self._sock = sock
        self.asked: tuple[tuple[str, int], ...] = ()
        """What was set for the last join, leave or change: option, and errno of the answer, 0 for none."""
        self._wanted = wanted
        """The filter to join with; None where that is the key's own: any source, or its one."""

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
        self.asked = ()
        if self._wanted is None:
            self._join(self.key.source)
            return
        with self._hearing_nothing():  # between the two calls it would hear what the filter keeps out
            self._join(self._wanted.sources[0] if self._wanted.mode is FilterMode.INCLUDE else None)
            try:
                self._put_filter(f"join {self}", self._wanted)
            except McastError:
                self.leave()
                raise

    def _join(self, source: Address | None) -> None:
        key = self.key
        try:
            sockopt.join_group(self._sock, key.group, key.ifindex, source)
        except OSError as error:
            raise self._refusal(error) from error
        self.asked = _JOINED if source is None else _JOINED_SOURCE

    def __str__(self) -> str:
        source = f"{self.key.source}," if self.key.source is not None else ""
        return f"{source}{self.key.group} on {self.interface.name}"

    def hears(self, interface: Interface) -> bool:
        """Tell whether the socket could hear this interface: one that is bound to another never does."""
        return sockopt.bound_interface(self._sock) in {0, interface.index}

    def move(self, interface: Interface, sock: socket.socket | None = None) -> None:
        """Be about `interface` as it is now, and another socket if one is given, from the next join on.

        To be called while left: what is left later is what was joined last.
        """
        self.key = replace(self.key, ifindex=interface.index)
        self.interface = interface
        if sock is not None:
            self._sock = sock

    def leave(self) -> None:
        """Leave; done already is as good as done now."""
        source = self.key.source if self._wanted is None else None  # without a source: whatever it hears
        answer = 0
        try:
            sockopt.leave_group(self._sock, self.key.group, self.key.ifindex, source)
        except OSError as error:
            if error.errno not in _ALREADY_LEFT:
                raise
            answer = error.errno or 0
        self.asked = (("MCAST_LEAVE_GROUP" if source is None else "MCAST_LEAVE_SOURCE_GROUP", answer),)

    @property
    def is_of_any_source(self) -> bool:
        """Whether it joins without a source or filter: then the join itself makes it EXCLUDE {}."""
        return self.key.source is None and self._wanted is None

    def filter(self) -> SourceFilter | None:
        """Return what the kernel says this socket hears of the group; None when it is no member."""
        return sockopt.read_filter(self._sock, self.key.group, self.key.ifindex)

    def need_filter(self, attempted: str) -> SourceFilter:
        """Return the filter as `filter` does; raise NetworkRefused where the socket is no member.

        `attempted` says in the error what it was needed for.
        """
        held = self.filter()
        if held is None:
            raise self._refuse_lost(attempted)
        return held

    def set_filter(self, wanted: SourceFilter, *, attempted: str | None = None) -> SourceFilter:
        """Put a filter in place of the one there is, at once; return it as the kernel then says it.

        Raises NetworkRefused when the kernel holds no more sources, or no such membership; the filter is
        then what it was.
        """
        attempted = attempted or f"hear {wanted} in {self.place}"
        held = self.need_filter(attempted)
        self.asked = ()
        self._put_filter(attempted, wanted, before=held)
        self._wanted = wanted
        return self.need_filter(attempted)

    @property
    def place(self) -> str:
        """The group and its interface, as errors name them."""
        return f"{self.key.group} on {self.interface.name}"

    def _put_filter(self, attempted: str, wanted: SourceFilter, before: SourceFilter = ANY_SOURCE) -> None:
        """Set the filter, of a raw socket both of its filters, or neither."""
        key = self.key
        try:
            sockopt.set_filter(self._sock, key.group, key.ifindex, wanted)
            try:
                heed_sources(self._sock, wanted)
            except OSError:
                sockopt.set_filter(self._sock, key.group, key.ifindex, before)
                raise
        except OSError as error:
            raise self._filter_refusal(attempted, error) from error
        self.asked = (*self.asked, ("MCAST_MSFILTER", 0))

    @contextmanager
    def _hearing_nothing(self) -> Iterator[None]:
        """Let nothing in meanwhile; afterwards a raw socket has its own program again, another has none."""
        sockopt.attach_filter(self._sock, _HEAR_NOTHING)
        try:
            yield
        finally:
            if self._sock.type == socket.SOCK_RAW:
                heed_sources(self._sock, self._wanted or ANY_SOURCE)
            else:
                sockopt.detach_filter(self._sock)

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
        if source is not None and self._held() is FilterMode.EXCLUDE:
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
            wanted = FilterMode.EXCLUDE if key.source is None else FilterMode.INCLUDE
            if held is wanted:
                return UsageError(attempted, "it is joined already", errno=number)
            return self._conflict()
        return NetworkRefused(attempted, describe_errno(number), errno=number, command="ip -brief address")

    def _filter_refusal(self, attempted: str, error: OSError) -> McastError:
        number = error.errno or 0
        if find_interface(self.key.ifindex) is None:
            return refuse_gone(attempted, self.interface.name, number)
        if number in _FULL:
            name = self._source_limit
            limit = read_limit(*name.split("."))
            return NetworkRefused(
                attempted,
                "the kernel holds no more sources for one group" + (f" than {limit}" if limit else ""),
                errno=number,
                remedy="Name fewer sources, or raise the limit.",
                command=f"sudo sysctl {name}={2 * limit}" if limit else None,
            )
        return NetworkRefused(attempted, describe_errno(number), errno=number)

    def _refuse_lost(self, attempted: str) -> McastError:
        if find_interface(self.key.ifindex) is None:
            return refuse_gone(attempted, self.interface.name, errno.ENODEV)
        return NetworkRefused(
            attempted, "the kernel holds no such membership any more", remedy="Leave it and join it again."
        )

    @property
    def _source_limit(self) -> str:
        return "net.ipv4.igmp_max_msf" if self.key.group.version == 4 else "net.ipv6.mld_max_msf"

    def _held(self) -> FilterMode | None:
        held = self.filter()
        return held.mode if held else None

    def _conflict(self) -> McastError:
        return FurtherSocketNeeded(
            f"join {self}",
            "one socket cannot hear both any source and chosen sources of a group",
            remedy="Join on another socket.",
        )

    def _too_many(self, attempted: str, number: int, held: FilterMode | None) -> McastError:
        """Name the limit that was reached: sources of a group, or groups of a socket."""
        is_ipv4 = self.key.group.version == 4
        what, name = "groups", "net.ipv4.igmp_max_memberships" if is_ipv4 else None
        if held is not None and self.key.source is not None:
            what, name = "sources of this group", self._source_limit
        limit = read_limit(*name.split(".")) if name else None
        return FurtherSocketNeeded(
            attempted,
            f"this socket has joined as many {what} as the kernel allows" + (f", {limit}" if limit else ""),
            errno=number,
            remedy="Join on another socket, or raise the limit." if limit else "Join on another socket.",
            command=f"sudo sysctl {name}={2 * limit}" if limit else None,
        )
