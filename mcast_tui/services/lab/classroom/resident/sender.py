"""A sender on a host: numbered packets at a rate, for as long as it is let."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any

from mcast_tui.net import sockopt

LATE_S = 0.1
"""Later than this, what was missed is left out: a burst to catch up would be another experiment."""


class Sender:
    """A socket that sends whenever it is due."""

    def __init__(
        self,
        *,
        name: str,
        to: str,
        port: int,
        rate: float,
        ttl: int,
        payload: int,
        source_port: int,
        source: str | None,
        interface: str,
    ) -> None:
        address = ip_address(to)
        is_six = address.version == 6
        ifindex = socket.if_nametoindex(interface)
        self.name, self.payload, self.interval = name, payload, 1 / rate
        self.sent, self.failed, self.errno = 0, 0, 0
        self.due = 0.0
        self.sock = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.sock.setblocking(False)
            sockopt.set_reuse_address(self.sock)
            sockopt.set_multicast_hop_limit(self.sock, ttl)
            if not is_six:
                sockopt.set_broadcast(self.sock)
            sockopt.bind_to_interface(
                self.sock, ifindex
            )  # multicast and broadcast leave by it, without a route
            self.sock.bind((source or "", source_port))
        except BaseException:
            self.sock.close()
            raise
        self.to: tuple[Any, ...] = (to, port, 0, ifindex) if is_six else (to, port)

    def send(self, now: float) -> None:
        """Send one packet and say when the next one is due."""
        head = f"mcast-tui {self.name} {self.sent} ".encode()
        try:
            self.sock.sendto(head.ljust(self.payload, b"."), self.to)
            self.sent += 1
        except OSError as error:  # the cable may be out; it goes on as any application would
            self.failed += 1
            self.errno = error.errno or 0
        self.due = self.due + self.interval if self.due + LATE_S > now else now + self.interval

    def told(self) -> dict[str, int]:
        """Return the counts for the owner."""
        return {"sent": self.sent, "failed": self.failed, "errno": self.errno}

    def close(self) -> None:
        self.sock.close()
