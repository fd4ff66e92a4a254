"""The plain way in Python: ``socket.recvmsg`` in a loop, the same metadata asked for, nothing kept.

recvmsg_loop.py GROUP PORT INTERFACE RECEIVE_BUFFER: runs until it is killed.
"""

from __future__ import annotations

import socket
import struct
import sys

SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33  # socket(7), Linux; CPython does not name them
IP_PKTINFO, IP_RECVTTL, IP_RECVTOS = 8, 12, 13  # ip(7)


def main() -> None:
    group, port, interface, buffer = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    for option in (IP_PKTINFO, IP_RECVTTL, IP_RECVTOS):
        sock.setsockopt(socket.IPPROTO_IP, option, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    sock.bind((group, port))
    membership = struct.pack("4s4si", socket.inet_aton(group), bytes(4), socket.if_nametoindex(interface))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)  # struct ip_mreqn: ip(7)
    while True:
        sock.recvmsg(65535, 256)


if __name__ == "__main__":
    main()
