"""The open ports: one wildcard socket per port and family, shared by all who need it.

Unicast and broadcast come in by it, and what we send leaves by it: the source port then equals the
group's port, as the peers of the socat tutorial expect. It is closed when its last user lets go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.net.ports import open_ephemeral, open_port

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from mcast_tui.net.intake import Admission, Intake
    from mcast_tui.net.receiver import Receiver


@dataclass(eq=False, slots=True)
class OpenPort:
    """The wildcard socket of one port, being read."""

    family: int
    number: int
    """As bound; what the kernel chose where it was to choose."""
    socket: socket.socket
    intake: Intake
    users: int = 0
    """Who holds it: the groups on this port, and whoever sends from it."""


@dataclass(slots=True)
class Closed:
    """Counters carried over from closed sockets, so that totals never go back."""

    bytes: int = 0
    dropped: int = 0
    refused: int = 0


class OpenPorts:
    """Opens, shares and closes ports; every socket is read by the receiver while it is open."""

    def __init__(self, receiver: Receiver, *, receive_buffer: int, admission: Admission | None) -> None:
        self._receiver = receiver
        self._receive_buffer = receive_buffer
        self._admission = admission
        self._shared: dict[tuple[int, int], OpenPort] = {}
        self._unshared: set[OpenPort] = set()
        self._private: dict[int, OpenPort] = {}
        self.closed = Closed()
        """What the sockets that are closed by now had counted."""

    def find(self, family: int, number: int) -> OpenPort | None:
        """Return the open port of that family and number; None when nobody holds it."""
        return self._shared.get((family, number))

    def intakes(self) -> Iterator[tuple[str, Intake]]:
        """Yield every port's socket with a name for it."""
        yield from ((f"port {port.number}", port.intake) for port in self._shared.values())
        yield from ((f"private port {port.number}", port.intake) for port in self._unshared)

    def private(self, family: int) -> OpenPort:
        """Return the port that only we have, opened at its first use: for what is said to one host."""
        port = self._private.get(family)
        if port is None:
            port = self._private[family] = self.hold(family, 0)
        return port

    def hold(self, family: int, number: int, admission: Admission | None = None) -> OpenPort:
        """Open a port, or share it when it is open; each call needs a `release`.

        Number 0 is a port of the kernel's choice that no other process, and no other call, shares.
        `admission` says whose packets are welcome where it is not what all ports have. Raises
        `UsageError` when the port is open with another admission, else what the kernel says.
        """
        port = self._shared.get((family, number))
        if port is None:
            port = self._open(family, number, admission or self._admission)
            if number:
                self._shared[family, number] = port
            else:
                self._unshared.add(port)
        elif admission is not None and admission != port.intake.admission:
            raise UsageError(
                f"receive on port {number}",
                "it is open already, and accepts other sources",
                remedy="Leave the groups on this port first, or join with the same range.",
            )
        port.users += 1
        return port

    def _open(self, family: int, number: int, admission: Admission | None) -> OpenPort:
        if number:
            sock = open_port(family, number, receive_buffer=self._receive_buffer)
        else:
            sock = open_ephemeral(family)
        try:
            bound: int = sock.getsockname()[1]
            return OpenPort(family, bound, sock, self._receiver.add(sock, bound, admission))
        except BaseException:
            sock.close()
            raise

    def release(self, port: OpenPort) -> None:
        """Let go of a port; the last one closes it."""
        port.users -= 1
        if port.users > 0:
            return
        self._shared.pop((port.family, port.number), None)
        self._unshared.discard(port)
        self.stop_reading(port.intake)
        port.socket.close()

    def stop_reading(self, intake: Intake) -> None:
        """Have a socket read no more, and keep what it counted."""
        self._receiver.remove(intake)
        self.closed.dropped += intake.dropped()
        self.closed.bytes += intake.tally.bytes
        self.closed.refused += intake.tally.refused

    def close(self) -> None:
        """Close every port that is still open, whoever holds it."""
        for port in (*self._shared.values(), *self._unshared):
            port.users = 1
            self.release(port)
        self._private.clear()
