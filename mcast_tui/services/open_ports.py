"""The open ports: one wildcard socket per port and family, shared by all who need it.

Unicast and broadcast come in by it, and what we send leaves by it: the source port then equals the
group's port, as the peers of the socat tutorial expect. It is closed when its last user lets go.
Raw IP has no ports: there it is one socket per protocol, and none is private, for every raw socket
of a protocol hears all of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net.ports import open_ephemeral, open_port
from mcast_tui.net.raw import open_raw

if TYPE_CHECKING:
    import socket
    from typing import TypeAlias

    from mcast_tui.net.intake import Admission, Intake
    from mcast_tui.services.intakes import Intakes

    _Key: TypeAlias = tuple[int, int | None, int]
    """Family, raw protocol, number."""


@dataclass(eq=False, slots=True)
class OpenPort:
    """The wildcard socket of one port, being read."""

    family: int
    number: int
    """As bound; what the kernel chose where it was to choose; 0 for raw IP."""
    socket: socket.socket
    intake: Intake
    users: int = 0
    """Who holds it: the groups on this port, and whoever sends from it."""
    protocol: int | None = None
    """Raw IP: the protocol number; None is UDP."""

    @property
    def label(self) -> str:
        """A name for it: ``port 6666``, or ``protocol 253``."""
        return f"port {self.number}" if self.protocol is None else f"protocol {self.protocol}"


class OpenPorts:
    """Opens, shares and closes ports; every socket is read by the receiver while it is open."""

    def __init__(self, intakes: Intakes, *, receive_buffer: int, admission: Admission | None) -> None:
        self._intakes = intakes
        self._receive_buffer = receive_buffer
        self._admission = admission
        self._shared: dict[_Key, OpenPort] = {}
        self._unshared: set[OpenPort] = set()
        self._private: dict[tuple[int, int | None], OpenPort] = {}

    def find(self, family: int, number: int, protocol: int | None = None) -> OpenPort | None:
        """Return the open port of that family and number, or raw protocol; None when nobody holds it."""
        return self._shared.get((family, protocol, number))

    def private(self, family: int, protocol: int | None = None) -> OpenPort:
        """Return the port that only we have, opened at its first use: for what is said to one host."""
        port = self._private.get((family, protocol))
        if port is None:
            port = self._private[family, protocol] = self.hold(family, 0, protocol=protocol)
        return port

    def hold(
        self, family: int, number: int, admission: Admission | None = None, *, protocol: int | None = None
    ) -> OpenPort:
        """Open a port, or share it when it is open; each call needs a `release`.

        Number 0 is a port of the kernel's choice that no other process, and no other call, shares; but
        with a raw `protocol` it is the only number, and the one socket of that protocol. `admission`
        says whose packets are welcome where it is not what all ports have. Raises `UsageError` when
        the port is open with another admission, else what the kernel says.
        """
        key = family, protocol, number
        port = self._shared.get(key)
        if port is None:
            port = self._open(key, admission or self._admission)
            if number or protocol is not None:
                self._shared[key] = port
            else:
                self._unshared.add(port)
        elif admission is not None and admission != port.intake.admission:
            raise UsageError(
                f"receive on {port.label}",
                "it is open already, and accepts other sources",
                remedy="Leave its groups first, or join with the same range.",
            )
        port.users += 1
        return port

    def _open(self, key: _Key, admission: Admission | None) -> OpenPort:
        family, protocol, number = key
        if protocol is not None:
            sock = open_raw(family, protocol, receive_buffer=self._receive_buffer)
        elif number:
            sock = open_port(family, number, receive_buffer=self._receive_buffer)
        else:
            sock = open_ephemeral(family)
        try:
            bound: int = sock.getsockname()[1] if protocol is None else 0
            is_private = not number and protocol is None
            intake = self._intakes.read(
                sock, bound, admission, lambda: f"private {port.label}" if is_private else port.label
            )
            port = OpenPort(family, bound, sock, intake, protocol=protocol)
        except BaseException:
            sock.close()
            raise
        return port

    def release(self, port: OpenPort) -> None:
        """Let go of a port; the last one closes it."""
        port.users -= 1
        if port.users > 0:
            return
        self._shared.pop((port.family, port.protocol, port.number), None)
        self._unshared.discard(port)
        self._intakes.stop(port.intake)
        port.socket.close()

    def close(self) -> None:
        """Close every port that is still open, whoever holds it."""
        for port in (*self._shared.values(), *self._unshared):
            port.users = 1
            self.release(port)
        self._private.clear()
