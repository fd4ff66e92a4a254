"""Intake: one socket being read, whom it admits, and what came in through it.

The counts are written by the receiver's thread alone and may be read from any.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import TypeAlias

import numpy as np

from mcast_tui.net import sockopt
from mcast_tui.net.raw import raw_protocol
from mcast_tui.wire.columns import Addressed, Column, Columns, Flag, address_words

Network: TypeAlias = IPv4Network | IPv6Network

_REFUSED = np.uint8(Flag.REFUSED)  # numpy takes a Flag for a 64-bit number
_WORD = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True)
class Admission:
    """Whose packets are welcome: all, unless networks or a source port are named."""

    networks: tuple[Network, ...] = ()
    """The source is in one of these; an IPv6 source is in no IPv4 network."""

    source_port: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether nothing at all is refused."""
        return not self.networks and self.source_port is None

    def refuses(self, columns: Columns) -> Column:
        """Return which rows are refused, as a mask."""
        refused = np.zeros(len(columns["length"]), bool)
        if self.source_port is not None:
            refused |= columns["source_port"] != self.source_port
        if self.networks:
            admitted = np.zeros(len(refused), bool)
            for network in self.networks:
                admitted |= _is_within(columns["source"], network)
            refused |= ~admitted
        return refused


def _is_within(addresses: Column, network: Network) -> Column:
    """Return which rows of an address column lie in `network`."""
    high, low = address_words(network.network_address)
    fixed_bits = network.prefixlen + (96 if network.version == 4 else 0)
    mask = (1 << 128) - (1 << (128 - fixed_bits))
    high_mask, low_mask = np.uint64(mask >> 64), np.uint64(mask & _WORD)
    within: Column = (addresses[:, 0] & high_mask) == np.uint64(high)
    within &= (addresses[:, 1] & low_mask) == np.uint64(low)
    return within


@dataclass(slots=True)
class Tally:
    """What came in, the refused included; what is neither unicast, broadcast nor multicast is unknown."""

    packets: int = 0
    bytes: int = 0
    """Of payload, whole: also what a short buffer cut off."""
    refused: int = 0
    unicast: int = 0
    broadcast: int = 0
    multicast: int = 0

    def count(self, columns: Columns) -> None:
        """Add a batch; what was refused is for the intake to say."""
        self.bytes += int(np.add.reduce(columns["length"], dtype=np.int64))
        kinds = columns["addressed"].tobytes()  # one byte a row: cheaper counted as bytes than by numpy
        self.unicast += kinds.count(Addressed.UNICAST)
        self.broadcast += kinds.count(Addressed.BROADCAST)
        self.multicast += kinds.count(Addressed.MULTICAST)
        self.packets += len(columns["length"])  # last: whoever sees it grown sees the rest grown too


@dataclass(eq=False, slots=True)
class Intake:
    """One socket being read; made by `Receiver.add`, valid until `Receiver.remove`.

    Another socket may take its place (`Receiver.replace`): what was counted goes on.
    """

    sock: socket.socket
    port: int
    """The socket's own port: the destination port of every packet that comes in; 0 for raw IP."""
    admission: Admission = field(default_factory=Admission)
    tally: Tally = field(default_factory=Tally)
    errors: int = 0
    """Reads that the kernel answered with an error; the socket goes on being read."""
    last_errno: int | None = None
    """Why the last of these failed."""
    is_open: bool = True
    """False once it was removed: the thread leaves it alone."""
    is_moved: bool = False
    """It was read since somebody looked (`Receiver.take_moved`)."""
    dropped_before: int = 0
    """What the kernel dropped on the sockets that this one took the place of (`Receiver.replace`)."""
    family: int = field(init=False)
    """4 or 6."""
    protocol: int | None = field(init=False)
    """Of a raw IP socket; None is UDP."""
    number: int = field(init=False)
    """What stands in the column `destination_port`: the port, or for raw IP the protocol."""

    def __post_init__(self) -> None:
        self.family = 6 if self.sock.family == socket.AF_INET6 else 4  # once: each look makes an enum member
        self.protocol = raw_protocol(self.sock)
        self.number = self.port if self.protocol is None else self.protocol

    def dropped(self) -> int:
        """How many datagrams the kernel dropped for want of buffer. Linux only: OSError elsewhere."""
        return self.dropped_before + sockopt.dropped(self.sock)

    def receive_buffer(self) -> int:
        """Bytes of kernel memory for what is not read yet, as the kernel gave."""
        return sockopt.receive_buffer(self.sock)

    def admit(self, columns: Columns) -> None:
        """Flag the rows this intake refuses."""
        if not self.admission.is_open:
            columns["flags"][self.admission.refuses(columns)] |= _REFUSED

    def count(self, columns: Columns) -> None:
        """Add a batch to the tally; called after the sink has it, so that what is counted can be read."""
        if not self.admission.is_open:
            self.tally.refused += int(np.count_nonzero(columns["flags"] & _REFUSED))
        self.tally.count(columns)

    def note_error(self, errno: int, times: int = 1) -> None:
        """Count an error of a read."""
        self.last_errno = errno  # first: whoever sees the count grown is told of the error it grew by
        self.errors += times
