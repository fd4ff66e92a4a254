"""The groups we take part in: join and leave on request, and what the kernel says of it.

A `Group` is one membership, on one interface, with a socket of its own bound to the
group. So the kernel keeps groups apart, each has its own buffer and its own drop
counter, and twenty memberships per socket are no limit. Unicast and broadcast come in by
an `OpenPort`, one per port and family, which is also where we send from: the source port
then equals the group's port, as the peers of the socat tutorial expect.

Refuses: a unicast address, the same group twice on one interface, and any source beside one
source: both sockets would hear it, and every packet would stand in the log twice.
"""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, UsageError
from mcast_tui.net import kernel
from mcast_tui.net.interfaces import Interface, preferred_interface, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_ephemeral, open_group, open_port
from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.columns import Addressed, Columns, address_words
from mcast_tui.wire.scope import Kind, classify

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Sequence
    from ipaddress import IPv4Address, IPv6Address

    import numpy as np
    import numpy.typing as npt

    from mcast_tui.net.intake import Admission, Intake
    from mcast_tui.net.receiver import Receiver
    from mcast_tui.wire.literal import Address


@dataclass(eq=False, slots=True)
class OpenPort:
    """The wildcard socket of one port: unicast and broadcast arrive by it, all we send leaves by it."""

    family: int
    number: int
    socket: socket.socket
    intake: Intake
    users: int = 0
    """Groups on this port; the socket is closed with the last of them."""


@dataclass(eq=False, slots=True)
class Group:
    """One group, broadcast address included, that we receive on one interface."""

    id: int
    """Unique in this process, from 1; 0 stands for all traffic."""
    endpoint: Endpoint
    """A single address, with the interface by name."""
    kind: Kind
    interface: Interface | None
    """None only for the limited broadcast address on every interface."""
    port: OpenPort
    intake: Intake
    """Where its packets are read: its own socket, or the port's for broadcast."""
    membership: Membership | None
    joined_at: int
    """ns since the epoch."""
    resources: ExitStack = field(repr=False)

    @property
    def label(self) -> str:
        """The endpoint without its interface, as the sidebar shows it."""
        return str(Endpoint(self.endpoint.address, self.endpoint.port, source=self.endpoint.source))

    @property
    def ifindex(self) -> int | None:
        return self.interface.index if self.interface else None

    @property
    def is_broadcast(self) -> bool:
        return self.membership is None

    def selects(self, columns: Columns) -> npt.NDArray[np.bool_]:
        """Return which rows are this group's: by header destination, port, interface and source.

        Needs the columns in `SELECTED_BY`. A broadcast group takes every kind of broadcast to its
        port when it is the limited address, else exactly its own address.
        """
        chosen: npt.NDArray[np.bool_] = columns["destination_port"] == self.endpoint.port
        if self.kind is Kind.LIMITED_BROADCAST:
            chosen &= columns["addressed"] == Addressed.BROADCAST
        else:
            chosen &= _equals(columns["destination"], self.endpoint.address)
        if self.interface is not None:
            chosen &= columns["ifindex"] == self.interface.index
        if self.endpoint.source is not None:
            chosen &= _equals(columns["source"], self.endpoint.source)
        return chosen


SELECTED_BY = ("destination", "destination_port", "ifindex", "source", "addressed")
"""The columns `Group.selects` looks at."""


def _equals(words: npt.NDArray[np.uint64], address: IPv4Address | IPv6Address) -> npt.NDArray[np.bool_]:
    high, low = address_words(address)
    same: npt.NDArray[np.bool_] = (words[:, 1] == low) & (words[:, 0] == high)
    return same


@dataclass(slots=True)
class Closed:
    """Counters carried over from closed sockets, so that totals never go back."""

    bytes: int = 0
    dropped: int = 0
    refused: int = 0


class Groups:
    """Every group and port that is open, and the way to open and close them."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        receive_buffer: int,
        admission: Admission | None = None,
    ) -> None:
        self._receiver = receiver
        self._receive_buffer = receive_buffer
        self._admission = admission
        self._groups: dict[int, Group] = {}
        self._at: dict[tuple[Address, int], list[Group]] = {}
        self._ports: dict[tuple[int, int], OpenPort] = {}
        self._private: dict[int, OpenPort] = {}
        self._ids = itertools.count(1)
        self.closed = Closed()
        """What the sockets that are closed by now had counted."""

    def __iter__(self) -> Iterator[Group]:
        return iter(tuple(self._groups.values()))

    def __len__(self) -> int:
        return len(self._groups)

    def by_id(self, group_id: int) -> Group | None:
        return self._groups.get(group_id)

    def find(self, endpoint: Endpoint, interfaces: Sequence[Interface] = ()) -> Group | None:
        """Return the joined group that is meant: at this address and port, on its interface, of its source.

        What the endpoint leaves open any group fits; one that has nothing there either fits best.
        """
        index = resolve_interface(endpoint.interface, interfaces).index if endpoint.interface else None
        fitting = [
            group
            for group in self._at.get((endpoint.address, endpoint.port), ())
            if index in {None, group.ifindex} and endpoint.source in {None, group.endpoint.source}
        ]

        def is_exact(group: Group) -> tuple[bool, bool]:
            return group.endpoint.source == endpoint.source, group.ifindex == index

        return max(fitting, key=is_exact, default=None)

    def intakes(self) -> Iterator[tuple[str, Intake]]:
        """Yield every socket being read, each once, with a name for it."""
        yield from ((f"port {port.number}", port.intake) for port in self._ports.values())
        yield from ((f"private port {port.number}", port.intake) for port in self._private.values())
        yield from ((group.label, group.intake) for group in self._groups.values() if not group.is_broadcast)

    def port(self, family: int, number: int) -> OpenPort | None:
        """Return the open port of that family and number, if a group uses it."""
        return self._ports.get((family, number))

    def private_port(self, family: int) -> OpenPort:
        """Return the port that only we have, opened at its first use: for what is said to one host."""
        port = self._private.get(family)
        if port is None:
            sock = open_ephemeral(family)
            port = self._private[family] = self._read_port(family, sock.getsockname()[1], sock)
        return port

    def join(self, endpoint: Endpoint, interfaces: Sequence[Interface]) -> list[Group]:
        """Join every address of the endpoint's run, or none of them.

        Raises `UsageError` for what is no group or is joined already, `PermissionRefused` and
        `NetworkRefused` for what the kernel says; what was joined until then is left again.
        """
        kind = _kind(endpoint, interfaces)
        interface = _interface_for(endpoint, kind, interfaces)
        joined: list[Group] = []
        try:
            for single in endpoint.each():
                joined.append(self._join_one(single, kind, interface))  # noqa: PERF401  # a part is undone below
        except BaseException:
            for group in reversed(joined):
                self.leave(group)
            raise
        return joined

    def _join_one(self, endpoint: Endpoint, kind: Kind, interface: Interface | None) -> Group:
        self._refuse_twice(endpoint, interface)
        with ExitStack() as resources:
            port = self._use_port(endpoint.family, endpoint.port)
            resources.callback(self._release_port, port)
            intake, membership = port.intake, None
            if kind is Kind.MULTICAST:
                assert interface is not None  # _interface_for refuses a group without one
                intake, membership = self._open_group(endpoint, interface, resources)
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
        self._groups[group.id] = group
        self._at.setdefault((endpoint.address, endpoint.port), []).append(group)
        return group

    def _open_group(
        self, endpoint: Endpoint, interface: Interface, resources: ExitStack
    ) -> tuple[Intake, Membership]:
        """Open, join and read the group's own socket; `resources` undoes it in reverse."""
        sock = open_group(
            endpoint.address, endpoint.port, interface=interface, receive_buffer=self._receive_buffer
        )
        resources.enter_context(sock)
        membership = Membership(sock, endpoint.address, interface, endpoint.source)
        resources.enter_context(membership)
        intake = self._receiver.add(sock, endpoint.port, self._admission)
        resources.callback(self._stop_reading, intake)
        return intake, membership

    def leave(self, group: Group) -> None:
        """Give the membership up and close what only this group used. A second call does nothing."""
        if self._groups.pop(group.id, None) is None:
            return
        self._at[group.endpoint.address, group.endpoint.port].remove(group)
        group.resources.close()

    def close(self) -> None:
        """Leave every group and close every port, whatever one of them says to it."""
        with ExitStack() as closing:
            for port in self._private.values():
                closing.callback(self._close_port, port)
            for group in self:
                closing.callback(self.leave, group)
        self._private.clear()

    def kernel_views(self, groups: Iterable[Group] | None = None) -> dict[int, kernel.KernelView | None]:
        """Return, by group id, what the kernel's tables say of each membership: one read for all.

        None: this host is no member. A group that is missing: the tables could not be read.
        """
        try:
            tables = kernel.read_memberships()
        except OSError:
            return {}
        chosen = self if groups is None else groups
        return {
            group.id: None
            if group.interface is None or group.is_broadcast
            else tables.view(group.endpoint.address, group.interface.index)
            for group in chosen
        }

    def _refuse_twice(self, endpoint: Endpoint, interface: Interface | None) -> None:
        index = interface.index if interface else None
        for group in self._at.get((endpoint.address, endpoint.port), ()):
            if group.ifindex != index:
                continue
            where = f" on {interface.name}" if interface else ""
            if group.endpoint.source == endpoint.source:
                raise UsageError(f"join {endpoint}{where}", "it is joined already")
            if None in {group.endpoint.source, endpoint.source}:
                raise UsageError(
                    f"join {endpoint}{where}",
                    "the group is joined already, from "
                    + (f"{group.endpoint.source} only" if group.endpoint.source else "any source"),
                    remedy="Leave it first: with both, every packet would be shown twice.",
                )

    def _use_port(self, family: int, number: int) -> OpenPort:
        port = self._ports.get((family, number))
        if port is None:
            sock = open_port(family, number, receive_buffer=self._receive_buffer)
            port = self._ports[family, number] = self._read_port(family, number, sock)
        port.users += 1
        return port

    def _read_port(self, family: int, number: int, sock: socket.socket) -> OpenPort:
        """Have a port's socket read; close it when that fails."""
        try:
            return OpenPort(family, number, sock, self._receiver.add(sock, number, self._admission))
        except BaseException:
            sock.close()
            raise

    def _release_port(self, port: OpenPort) -> None:
        port.users -= 1
        if port.users == 0:
            del self._ports[port.family, port.number]
            self._close_port(port)

    def _close_port(self, port: OpenPort) -> None:
        self._stop_reading(port.intake)
        port.socket.close()

    def _stop_reading(self, intake: Intake) -> None:
        self._receiver.remove(intake)
        self.closed.dropped += intake.dropped()
        self.closed.bytes += intake.tally.bytes
        self.closed.refused += intake.tally.refused


def _kind(endpoint: Endpoint, interfaces: Sequence[Interface]) -> Kind:
    """Return the kind of what is to be joined; refuse what is no group."""
    kind = kind_of(endpoint, interfaces)
    if kind is Kind.NETWORK_ADDRESS:
        raise UsageError(
            f"join {endpoint}",
            "it is the network address, which Linux treats as unicast since 5.14",
            remedy="Use the broadcast address, the last one of the network, or broadcast.",
        )
    if kind is Kind.UNICAST:
        raise UsageError(
            f"join {endpoint}",
            "it is a unicast address, not a group",
            remedy="Groups are 224.0.0.0/4 and ff00::/8; unicast to the port arrives with any group.",
        )
    return kind


def kind_of(endpoint: Endpoint, interfaces: Iterable[Interface]) -> Kind:
    """Return what sort of destination it is for a host with these interfaces."""
    return classify(endpoint.address, [network for each in interfaces for network in each.networks])


def _interface_for(endpoint: Endpoint, kind: Kind, interfaces: Sequence[Interface]) -> Interface | None:
    """Return the interface an endpoint names, or the one its kind needs when it names none."""
    if endpoint.interface is not None:
        named = resolve_interface(endpoint.interface, interfaces)
        if kind is Kind.DIRECTED_BROADCAST and not _broadcasts_to(named, endpoint):
            raise UsageError(
                f"join {endpoint}", f"it is the broadcast address of another network than {named.name}'s"
            )
        return named
    if kind is Kind.LIMITED_BROADCAST:
        return None
    if kind is Kind.DIRECTED_BROADCAST:
        return next(each for each in interfaces if _broadcasts_to(each, endpoint))
    preferred = preferred_interface(interfaces, endpoint.family)
    if preferred is None:
        raise McastError(
            f"join {endpoint}",
            "no interface is up",
            remedy="Bring one up, or name one after the address: 224.1.0.1%eth0.",
            command="ip link",
        )
    return preferred


def _broadcasts_to(interface: Interface, endpoint: Endpoint) -> bool:
    return any(each.network.broadcast_address == endpoint.address for each in interface.networks)


def _named(endpoint: Endpoint, interface: Interface | None) -> Endpoint:
    return Endpoint(
        endpoint.address,
        endpoint.port,
        interface=interface.name if interface else None,
        source=endpoint.source,
    )
