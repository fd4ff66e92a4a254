"""An IGMP querier on a host: what a router does to learn who is a member, at an interval of ours."""

from __future__ import annotations

import socket
import struct

from mcast_tui.net import sockopt

IGMP_QUERY = 0x11
ALL_HOSTS = "224.0.0.1"
ROUTER_ALERT = bytes([0x94, 4, 0, 0])  # RFC 2113; RFC 3376 section 4 wants it
ROBUSTNESS = 2
LARGEST_CODE = 127
"""Above it the codes of RFC 3376 section 4.1.1 are floating point; lessons have shorter times."""


def encode_query(version: int, response_s: float, interval_s: float) -> bytes:
    """Return a general query: RFC 2236 section 2, RFC 3376 section 4.1."""
    response = min(max(round(response_s * 10), 1), LARGEST_CODE)
    body = struct.pack("!BBH4s", IGMP_QUERY, response, 0, bytes(4))
    if version == 3:
        body += struct.pack("!BBH", ROBUSTNESS, min(max(round(interval_s), 1), LARGEST_CODE), 0)
    return body[:2] + struct.pack("!H", checksum(body)) + body[4:]


def checksum(data: bytes) -> int:
    """Return the Internet checksum of an even number of bytes (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


class Querier:
    """A raw socket that asks whenever it is due; raises PermissionError without CAP_NET_RAW."""

    def __init__(self, *, interface: str, version: int, interval_s: float, response_s: float) -> None:
        self.interval, self.due, self.sent = interval_s, 0.0, 0
        self.query = encode_query(version, response_s, interval_s)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
        try:
            self.sock.setblocking(False)
            sockopt.bind_to_interface(self.sock, socket.if_nametoindex(interface))
            self.sock.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, ROUTER_ALERT)
            sockopt.set_multicast_loop(self.sock, loop=False)
        except BaseException:
            self.sock.close()
            raise

    def send(self, now: float) -> None:
        """Ask all hosts what they are members of, and say when to ask next."""
        try:
            self.sock.sendto(self.query, (ALL_HOSTS, 0))
            self.sent += 1
        except OSError:  # the cable is out: it asks again next time
            pass
        self.due = now + self.interval

    def close(self) -> None:
        self.sock.close()
