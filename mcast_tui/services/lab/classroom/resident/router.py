"""A multicast router on a host: the kernel forwards between its interfaces, we tell it what.

The kernel asks about each source and group it has no entry for (IGMPMSG_NOCACHE) and is told to send
them out of every other interface, if the TTL lasts, unless the group is inside a boundary. Nothing is
asked of members: the lab's router forwards everything, so that a lesson is about TTL and scope only.
`ip_mroute` in ``linux/mroute.h``; one such router per network namespace.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address, ip_network

MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC = 200, 202, 204
VIFF_USE_IFINDEX = 8
IGMPMSG_NOCACHE = 1
MAXIMUM_VIFS = 32
AT_ONCE = 64
"""Questions answered before others on this host get their turn."""
NEVER = 255
"""A threshold no TTL exceeds: not by this interface."""
LEAST_TTL = 1
"""A packet whose TTL is not above this is not forwarded: it would leave with 0."""

_VIF = struct.Struct("@HBBI4s4s")  # vifi, flags, threshold, rate limit, ifindex, remote
_MFC = struct.Struct(f"@4s4sH{MAXIMUM_VIFS}s2xIIIi")  # origin, group, from vif, thresholds, counters, expiry
_UPCALL = struct.Struct("@8xBBBB4s4s")  # kind, zero, vif, vif's upper byte, source, group


class Router:
    """The socket that owns the kernel's multicast routing here; it ends when this is closed."""

    def __init__(self, *, interfaces: list[str], boundaries: list[str]) -> None:
        self.boundaries = [ip_network(text) for text in boundaries]
        self.vifs = len(interfaces)
        self.entries = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        try:
            self.sock.setblocking(False)
            self.sock.setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)
            for vif, interface in enumerate(interfaces):
                ifindex = struct.pack("@I", socket.if_nametoindex(interface))
                entry = _VIF.pack(vif, VIFF_USE_IFINDEX, LEAST_TTL, 0, ifindex, bytes(4))
                self.sock.setsockopt(socket.IPPROTO_IP, MRT_ADD_VIF, entry)
        except BaseException:
            self.sock.close()
            raise

    def read(self) -> None:
        """Answer what the kernel asks; real IGMP, which comes here too, is let pass."""
        for _ in range(AT_ONCE):
            try:
                asked = self.sock.recv(2048)
            except OSError:
                return
            if len(asked) < _UPCALL.size:
                continue
            kind, zero, vif, _, source, group = _UPCALL.unpack_from(asked)
            if zero == 0 and kind == IGMPMSG_NOCACHE:  # in an IP header the protocol stands there: not 0
                self._add(source, group, vif)

    def _add(self, source: bytes, group: bytes, vif: int) -> None:
        is_inside = any(ip_address(group) in network for network in self.boundaries)
        thresholds = [
            NEVER if is_inside or other == vif or other >= self.vifs else LEAST_TTL
            for other in range(MAXIMUM_VIFS)
        ]
        entry = _MFC.pack(source, group, vif, bytes(thresholds), 0, 0, 0, 0)
        try:
            self.sock.setsockopt(socket.IPPROTO_IP, MRT_ADD_MFC, entry)
            self.entries += 1
        except OSError:  # the table is full; the kernel will ask again
            return

    def close(self) -> None:
        self.sock.close()
