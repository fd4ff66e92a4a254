"""``send --wait``: what the one address that was sent to says to it, and nobody else (socat's ``SENDTO``)."""

from __future__ import annotations

import select
import socket
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from mcast_tui.cli.printing.packet_format import payload_info
from mcast_tui.cli.talk import talk
from mcast_tui.human import counted
from mcast_tui.net.ports import has_link_scope
from mcast_tui.net.raw import raw_protocol
from mcast_tui.net.sockopt import dropped
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from mcast_tui.net.sender import SendOptions
    from mcast_tui.wire.address import Endpoint

LONGEST = 65_535


class AnswersOfOne:
    """Prints what comes to `sock` from the address and port of `destination`; counts everything else."""

    def __init__(self, sock: socket.socket, destination: Endpoint, options: SendOptions) -> None:
        self._sock = sock
        self._is_raw = raw_protocol(sock) is not None
        self._destination = destination
        self._ifindex = options.ifindex
        self.shown = 0
        self._elsewhere = 0

    def listen_for(self, seconds: float) -> None:
        """Print what comes within so many seconds, what is waiting already included."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._sock], [], [], left)
            if readable:
                self._take_one()
            if not left:
                return

    def _take_one(self) -> None:
        try:
            data, origin = self._sock.recvfrom(LONGEST, socket.MSG_DONTWAIT)
        except OSError:  # a bad checksum: ready, and yet nothing there
            return
        if not self._is_from_there(origin):
            self._elsewhere += 1
            return
        if self._is_raw and self._sock.family == socket.AF_INET:
            data = data[(data[0] & 0xF) * 4 :]  # its IP header: raw(7)
        self.shown += 1
        host = str(self._destination.address)
        place = host if self._is_raw else address_and_port(host, self._destination.port)
        print(f"{place} len {len(data)} {payload_info(data)}".rstrip(), flush=True)

    def _is_from_there(self, origin: tuple[str, int] | tuple[str, int, int, int]) -> bool:
        address = ip_address(origin[0].partition("%")[0])
        if address != self._destination.address:
            return False
        if address.version == 6 and has_link_scope(address) and origin[-1] != self._ifindex:
            return False
        return self._is_raw or origin[1] == self._destination.port

    def sum_up(self) -> None:
        """Say how many there were, and what is not among them."""
        others = f", {self._elsewhere} from elsewhere not shown" if self._elsewhere else ""
        lost = dropped(self._sock)
        losses = f", {lost} dropped by the kernel" if lost else ""
        talk(f"{counted(self.shown, 'answer')} of {self._destination}{others}{losses}")
