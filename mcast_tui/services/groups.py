"""The groups we take part in: join and leave on request, join anew, choose whom a group hears.

A `Group` is one membership, on one interface, with a socket of its own bound to the
group. So the kernel keeps groups apart, each has its own buffer and its own drop
counter, and twenty memberships per socket are no limit. Unicast and broadcast come in by
the group's port (`services.open_ports`), which is also where we send from.

Refuses a unicast address, and by `services.overlap` what would show a packet twice.
"""

from __future__ import annotations

import gc
import itertools
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, UsageError
from mcast_tui.net.interfaces import Interface, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from mcast_tui.net.raw import open_raw_group
from mcast_tui.net.refusals import refuse_plainly
from mcast_tui.services.group import Group, label_of
from mcast_tui.services.intakes import Intakes
from mcast_tui.services.open_ports import OpenPorts
from mcast_tui.services.overlap import refuse_overlap, refuse_shared, take_over
from mcast_tui.services.placement import joinable_kind, joining_interface
from mcast_tui.services.source_change import apply_change
from mcast_tui.wire.scope import Kind

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from mcast_tui.net.intake import Admission, Intake
    from mcast_tui.net.receiver import Receiver
    from mcast_tui.services.source_change import SourceChange
    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.literal import Address
    from mcast_tui.wire.membership.source_filter import SourceFilter

    _Key: TypeAlias = tuple[Address, int | None, int]
    """Address, raw protocol, port."""


FORMER_INDICES = 16
"""Kept per group: an interface that comes and goes all day, as a tunnel may, must not slow each look down."""


class Groups:
    """Every group and port that is open, and the way to open and close them."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        receive_buffer: int,
        admission: Admission | None = None,
    ) -> None:
        self.intakes = Intakes(receiver)
        self._receive_buffer = receive_buffer
        self._admission = admission
        self._groups: dict[int, Group] = {}
        self._at: dict[_Key, list[Group]] = {}
        self.ports = OpenPorts(self.intakes, receive_buffer=receive_buffer, admission=admission)
        self._ids = itertools.count(1)
        self.revision = 0
        """Grows whenever a group is joined, left, hears other sources, or follows its interface."""
        self._holders: dict[tuple[Address, int | None], list[Group]] = {}
        self._holders_at = -1

    def __iter__(self) -> Iterator[Group]:
        return iter(tuple(self._groups.values()))

    def __len__(self) -> int:
        return len(self._groups)

    def ids(self) -> Sequence[int]:
        """Return the groups' ids, in the order they were joined."""
        return tuple(self._groups)

    def count_at(self, endpoint: Endpoint) -> int:
        """Return how many groups are joined at this address and port, of any interface and source."""
        return len(self._at.get(_key(endpoint), ()))

    def by_id(self, group_id: int) -> Group | None:
        return self._groups.get(group_id)

    def find(self, endpoint: Endpoint, interfaces: Sequence[Interface] = ()) -> Group | None:
        """Return the joined group that is meant: at this address and port, on its interface, of its source.

        What the endpoint leaves open any group fits; one that has nothing there either fits best.
        """
        index = resolve_interface(endpoint.interface, interfaces).index if endpoint.interface else None
        fitting = [
            group
            for group in self._at.get(_key(endpoint), ())
            if index in {None, group.ifindex} and (endpoint.source is None or group.names(endpoint.source))
        ]

        def is_exact(group: Group) -> tuple[bool, bool]:
            return group.endpoint.source == endpoint.source, group.ifindex == index

        return max(fitting, key=is_exact, default=None)

    def join(
        self,
        endpoint: Endpoint,
        interfaces: Sequence[Interface],
        admission: Admission | None = None,
        sources: SourceFilter | None = None,
    ) -> list[Group]:
        """Join every address of the endpoint's run, or none of them.

        `admission` says whose packets are welcome where it is not what all groups have, `sources` whom
        the kernel lets in where the endpoint does not say it. Raises
        `UsageError` for what is no group or is joined already, `PermissionRefused` and
        `NetworkRefused` for what the kernel says; what was joined until then is left again.
        """
        kind = joinable_kind(endpoint, interfaces)
        interface = joining_interface(endpoint, kind, interfaces)
        joined: list[Group] = []
        with _collector_at_rest():
            try:
                for single in endpoint.each():
                    joined.append(self._join_one(single, kind, interface, admission, sources))  # noqa: PERF401  # a part is undone below
            except BaseException:
                for group in reversed(joined):
                    self.leave(group)
                raise
        return joined

    def _join_one(
        self,
        endpoint: Endpoint,
        kind: Kind,
        interface: Interface | None,
        admission: Admission | None,
        sources: SourceFilter | None,
    ) -> Group:
        refuse_overlap(endpoint, interface, sources, self._at_place(endpoint, interface))
        if sources is not None and kind is not Kind.MULTICAST:
            raise _refuse_broadcast(f"hear {sources} of {endpoint}")
        with ExitStack() as resources:
            port = self.ports.hold(endpoint.family, endpoint.port, admission, protocol=endpoint.protocol)
            resources.callback(self.ports.release, port)
            intake, membership = port.intake, None
            if kind is Kind.MULTICAST:
                assert interface is not None  # joining_interface refuses a group without one
                intake, membership = self._open_group(
                    endpoint, interface, admission or self._admission, sources
                )
                resources.callback(self._close_group, intake, membership)
            group = Group(
                id=next(self._ids),
                endpoint=_named(endpoint, interface),
                kind=kind,
                interface=interface,
                port=port,
                intake=intake,
                membership=membership,
                joined_at=time.time_ns(),
                resources=resources.pop_all(),
            )
        try:
            if membership is not None and not membership.is_of_any_source:
                group.take_filter(membership.filter(), is_new=True)
        except BaseException:
            group.resources.close()
            raise
        self._take_in(group)
        return group

    def _take_in(self, group: Group) -> None:
        """Count a group that was joined as ours; what it hears is its own from now on."""
        here = self._at.setdefault(_key(group.endpoint), [])
        for other in here:  # what comes by an index that was given away is not the other's
            other.former_indices = tuple(each for each in other.former_indices if each != group.ifindex)
        if group.membership is not None and not group.membership.is_of_any_source:
            take_over(group, self._beside(group))
        here.append(group)
        self._groups[group.id] = group
        self.revision += 1

    def _open_group(
        self,
        endpoint: Endpoint,
        interface: Interface,
        admission: Admission | None,
        sources: SourceFilter | None,
    ) -> tuple[Intake, Membership]:
        """Open, join and read the group's own socket; `_close_group` undoes it."""
        sock = _open_bound(endpoint, interface, self._receive_buffer)
        try:
            membership = Membership(sock, endpoint.address, interface, endpoint.source, wanted=sources)
            membership.join()
            intake = self.intakes.read(sock, endpoint.port, admission, partial(label_of, endpoint))
        except BaseException:
            sock.close()
            raise
        return intake, membership

    def _close_group(self, intake: Intake, membership: Membership) -> None:
        with intake.sock:
            self.intakes.stop(intake)
            membership.leave()

    def leave(self, group: Group) -> None:
        """Give the membership up and close what only this group used. A second call does nothing."""
        if self._groups.pop(group.id, None) is None:
            return
        self._at[_key(group.endpoint)].remove(group)
        self.revision += 1
        group.resources.close()

    def change_sources(self, group: Group, change: SourceChange) -> SourceFilter:
        """Change whom a group hears, at once; return its filter as the kernel then says it.

        Raises `UsageError` for broadcast, for what does not fit the filter there is, and for a source
        that another of our groups hears; `NetworkRefused` as the kernel says. The filter is then as before.
        """
        membership = group.membership
        if membership is None:
            raise _refuse_broadcast(f"{change} in {group.label}")
        refuse_shared(change, group, self._beside(group))
        attempted = f"{change} in {membership.place}"
        held = membership.need_filter(attempted)
        wanted = apply_change(held, change, attempted, family=group.endpoint.family)
        read = membership.set_filter(wanted, attempted=attempted)
        group.take_filter(read)
        take_over(group, self._beside(group))
        self.revision += 1
        return read

    def _at_place(self, endpoint: Endpoint, interface: Interface | None) -> list[Group]:
        """Return the groups at this address and port, of any source, on that interface."""
        index = interface.index if interface else None
        return [group for group in self._at.get(_key(endpoint), ()) if group.ifindex == index]

    def _beside(self, group: Group) -> list[Group]:
        """Return the other groups at the same address, port and interface."""
        return [other for other in self._at_place(group.endpoint, group.interface) if other is not group]

    def follow(self, group: Group, interface: Interface) -> None:
        """Take note of how a group's interface is now: its name, its index, its addresses."""
        before = group.interface
        if before is not None and before.index != interface.index:
            formerly = (*group.former_indices, before.index)[-FORMER_INDICES:]
            group.former_indices = tuple(index for index in formerly if index != interface.index)
        group.interface = interface
        group.endpoint = _named(group.endpoint, interface)
        self.revision += 1

    def renew(self, groups: Sequence[Group]) -> dict[Group, McastError]:
        """Leave and join again, on their interfaces as they are now; return what could not be joined.

        The kernel announces a group anew when all of its members leave it in between: so all groups here of
        one address and interface leave before the first of them joins. Back to back, no leave is sent.
        """
        alike: dict[tuple[Address, int | None], list[Group]] = {}
        for group in groups:
            alike.setdefault((group.endpoint.address, group.ifindex), []).append(group)
        refused: dict[Group, McastError] = {}
        for together in alike.values():
            for group in together:
                try:
                    if group.membership is not None:
                        group.membership.leave()
                except OSError as error:
                    refused[group] = refuse_plainly(f"leave {group.endpoint}", error)
            for group in together:
                try:
                    self._join_again(group)
                except McastError as error:
                    refused[group] = error
        return refused

    def _join_again(self, group: Group) -> None:
        """Join on the group's interface, by a new socket where the old one is bound to another index."""
        membership, interface = group.membership, group.interface
        if membership is None or interface is None:
            return
        group.forget_filter()
        if membership.hears(interface):
            membership.move(interface)
            membership.join()
            return
        fresh = _open_bound(group.endpoint, interface, self._receive_buffer)
        former = group.intake.sock
        try:
            membership.move(interface, fresh)
            membership.join()
        except BaseException:
            membership.move(interface, former)
            fresh.close()
            raise
        with former:
            self.intakes.replace(group.intake, fresh)

    def close(self) -> None:
        """Leave every group and close every port, whatever one of them says to it."""
        with _collector_at_rest(), ExitStack() as closing:
            closing.callback(self.ports.close)
            for group in self:
                closing.callback(self.leave, group)

    def holding(self, address: Address, ifindex: int | None) -> Sequence[Group]:
        """Return our groups at that address on that interface, whatever their ports and sources."""
        if self._holders_at != self.revision:
            self._holders_at, self._holders = self.revision, {}
            for group in self:
                if group.membership is not None:
                    self._holders.setdefault((group.endpoint.address, group.ifindex), []).append(group)
        return self._holders.get((address, ifindex), ())


def _refuse_broadcast(attempted: str) -> UsageError:
    """Say that a source filter is a part of a membership, which broadcast does without."""
    return UsageError(
        attempted,
        "broadcast has no membership, and so no source filter",
        remedy="--range refuses by the sender's network, after the kernel.",
    )


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Let Python collect no garbage meanwhile: it would go over a long run of groups again and again.

    That is half the time of joining ten thousand, and finds nothing.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _named(endpoint: Endpoint, interface: Interface | None) -> Endpoint:
    return replace(endpoint, interface=interface.name if interface else None, count=1)


def _key(endpoint: Endpoint) -> _Key:
    return endpoint.address, endpoint.protocol, endpoint.port


def _open_bound(endpoint: Endpoint, interface: Interface, receive_buffer: int) -> socket.socket:
    """Open the socket that hears this group alone, once it is joined."""
    if endpoint.protocol is None:
        return open_group(endpoint.address, endpoint.port, interface=interface, receive_buffer=receive_buffer)
    return open_raw_group(
        endpoint.address,
        endpoint.protocol,
        interface=interface,
        source=endpoint.source,
        receive_buffer=receive_buffer,
    )
