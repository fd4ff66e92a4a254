"""A member on a host: joins, and counts what it hears by source and destination."""

from __future__ import annotations

import re
import socket
import struct
from ipaddress import ip_address
from typing import Any

from mcast_tui.net import sockopt

NUMBERED = re.compile(rb"mcast-tui ([a-z0-9-]{1,20}) (\d{1,15}) ")
"""How a sender of ours begins: its name, and how many it sent before."""
MAXIMUM_HEARD = 64
"""Kinds of packet told apart, by sender and addresses: far more than a lesson has, and whoever is let loose
on the LAN by hand cannot fill our memory."""
AT_ONCE = 64
"""Packets read before senders get their turn again."""
LARGEST = 65535


class Heard:
    """What came from one sender to one destination."""

    __slots__ = ("hop_limit", "lost", "next", "received")

    def __init__(self) -> None:
        self.received, self.lost, self.hop_limit = 0, 0, -1
        self.next: int | None = None  # the number expected, if they are numbered

    def count(self, number: int | None, hop_limit: int) -> None:
        self.received += 1
        self.hop_limit = hop_limit
        if number is None:
            return
        if self.next is not None and number > self.next:
            self.lost += number - self.next
        self.next = number + 1  # also when it is lower: the sender has begun anew


class Member:
    """A socket that takes part; reading it never blocks."""

    def __init__(
        self,
        *,
        group: str | None,
        port: int,
        source: str | None,
        interface: str,
        bound_to_group: bool,
        hears_all_groups: bool,
    ) -> None:
        address = None if group is None else ip_address(group)
        is_six = address is not None and address.version == 6
        self.heard: dict[tuple[str, str, str], Heard] = {}
        self.uncounted = 0
        ifindex = socket.if_nametoindex(interface)
        self.sock = socket.socket(socket.AF_INET6 if is_six else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.sock.setblocking(False)
            sockopt.set_reuse_address(self.sock)
            sockopt.set_receive_metadata(self.sock)
            if not hears_all_groups:
                sockopt.set_own_memberships_only(self.sock)
            where = str(address) if address is not None and bound_to_group else ""
            self.sock.bind((where, port, 0, ifindex) if is_six else (where, port))
            if address is not None:
                chosen = None if source is None else ip_address(source)
                sockopt.join_group(self.sock, address, ifindex, chosen)
        except BaseException:
            self.sock.close()
            raise

    def read(self) -> None:
        """Count what has arrived."""
        for _ in range(AT_ONCE):
            try:
                payload, ancdata, _, peer = self.sock.recvmsg(LARGEST, 256)
            except OSError:  # nothing more; or one that failed, as its checksum was wrong
                return
            self._count(payload, ancdata, peer[0])

    def _count(self, payload: bytes, ancdata: list[tuple[int, int, bytes]], source: str) -> None:
        destination, hop_limit = "?", -1
        for level, kind, told in ancdata:
            if (level, kind) == (socket.IPPROTO_IP, sockopt.IP_PKTINFO):
                destination = socket.inet_ntop(socket.AF_INET, told[8:12])
            elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                destination = socket.inet_ntop(socket.AF_INET6, told[:16])
            elif (level, kind) in {
                (socket.IPPROTO_IP, socket.IP_TTL),
                (socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT),
            }:
                (hop_limit,) = struct.unpack("@i", told[:4])
        numbered = NUMBERED.match(payload)
        name, number = (numbered[1].decode(), int(numbered[2])) if numbered else ("", None)
        key = (name, source, destination)
        if key not in self.heard and len(self.heard) >= MAXIMUM_HEARD:
            self.uncounted += 1
            return
        self.heard.setdefault(key, Heard()).count(number, hop_limit)

    def told(self) -> dict[str, Any]:
        """Return the counts for the owner."""
        rows = [[*key, heard.received, heard.lost, heard.hop_limit] for key, heard in self.heard.items()]
        return {"heard": rows, "uncounted": self.uncounted}

    def close(self) -> None:
        self.sock.close()
