"""What a relay is asked to do, and what of it makes no sense: refused before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mcast_tui.errors import EndpointError
from mcast_tui.services.process.command import Command, find_command, shell_command
from mcast_tui.services.relay.copying import Timing
from mcast_tui.wire.socat.address import CommandAddress, DatagramAddress, Manner, SocatAddress

BLOCK_SIZE = 8192
"""socat's ``-b``: what one read of standard input or of a command returns at most, and so one datagram."""
MOST_CHILDREN = 64
"""Requests at work at once where ``max-children`` does not say; the others wait in the ring."""
WHAT = "socat address"


class Flow(Enum):
    """Which ways data go."""

    BOTH = "both"
    FORWARD = "first to second"
    BACKWARD = "second to first"


@dataclass(frozen=True, slots=True)
class Plan:
    """Two addresses and how to run them against each other."""

    first: SocatAddress
    second: SocatAddress
    flow: Flow = Flow.BOTH
    timing: Timing = field(default_factory=Timing)
    block_size: int = BLOCK_SIZE

    @property
    def request(self) -> DatagramAddress | None:
        """The RECVFROM address, whose packets are each answered on their own; None when there is none."""
        for address in (self.first, self.second):
            if isinstance(address, DatagramAddress) and address.manner is Manner.RECVFROM:
                return address
        return None

    def find_commands(self) -> dict[SocatAddress, Command]:
        """Return what EXEC and SYSTEM run; raises `UsageError` when there is no such program.

        It looks into the directories of PATH, so not in the event loop.
        """
        return {
            address: shell_command(address.shell)
            if address.shell is not None
            else find_command(address.argv or ())
            for address in (self.first, self.second)
            if isinstance(address, CommandAddress)
        }

    def check(self) -> None:
        """Raise `EndpointError` for what cannot be done, by the address at fault."""
        addresses = (self.first, self.second)
        sockets = [each for each in addresses if isinstance(each, DatagramAddress)]
        if not sockets:
            remedy = "Use socat itself for what involves no UDP or raw IP socket."
            raise _refused(self.second, "neither of the two is a datagram socket", remedy)
        if all(socket.manner is Manner.RECVFROM for socket in sockets) and len(sockets) > 1:
            raise _refused(self.second, "only one of the two can be RECVFROM", "Use RECV or DATAGRAM here.")
        for socket in sockets:
            _check_socket(socket)
        sink = {Flow.FORWARD: self.second, Flow.BACKWARD: self.first}.get(self.flow)
        if isinstance(sink, DatagramAddress) and sink.manner is Manner.RECV:
            remedy = "Turn the direction round (-U in place of -u), or use SENDTO or DATAGRAM."
            raise _refused(sink, "RECV only receives, and this direction would send by it", remedy)


def _check_socket(address: DatagramAddress) -> None:
    if address.reuse_port:
        at = max(address.text.lower().find("reuseport"), 0)
        remedy = "Write reuseaddr; our ports are always shared that way."
        raise EndpointError(address.text, at, "reuseport is not offered", remedy, what=WHAT)
    if address.most_children is not None and not address.fork:
        at = max(address.text.lower().find("max-children"), 0)
        reason = "max-children bounds what fork starts"
        raise EndpointError(address.text, at, reason, "Add fork, or leave it out.", what=WHAT)


def _refused(address: SocatAddress, reason: str, remedy: str) -> EndpointError:
    return EndpointError(address.text, 0, reason, remedy, what=WHAT)
