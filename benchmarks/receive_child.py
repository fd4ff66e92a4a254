"""Receive a group with our own receive path for a while; print what came and what it cost, as JSON.

    receive_child.py GROUP PORT INTERFACE SECONDS [--receive-buffer BYTES] [--recvmsg]

Ends after SECONDS, or when half a second has passed without traffic after the first datagram.
Says "ready" on stderr once the group is joined.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time

from mcast_tui.capture.ring import PacketRing
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import open_group
from mcast_tui.net.receiver import Intake, Receiver
from mcast_tui.wire.address import parse_group

QUIET_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("group")
    parser.add_argument("port", type=int)
    parser.add_argument("interface")
    parser.add_argument("seconds", type=float)
    parser.add_argument("--receive-buffer", type=int, default=8 << 20)
    parser.add_argument("--recvmsg", action="store_true", help="the portable way, one datagram at a time")
    options = parser.parse_args()
    group = parse_group(options.group).address
    interface = resolve_interface(options.interface, list_interfaces())
    ring = PacketRing()
    receiver = Receiver(ring, use_recvmmsg=not options.recvmsg)
    sock = open_group(group, options.port, receive_buffer=options.receive_buffer, interface=interface)
    with sock, Membership(sock, group, interface):
        intake = receiver.add(sock, options.port)
        before = _cpu_s()  # imports and memory are the app's, not the packet's
        receiver.start()
        print("ready", file=sys.stderr, flush=True)
        _wait_until_quiet(intake, options.seconds)
        cpu_s = _cpu_s() - before
        dropped = intake.dropped()
        receiver.close()
    print(json.dumps(_figures(receiver, intake, ring) | {"dropped": dropped, "cpu_s": cpu_s}))


def _wait_until_quiet(intake: Intake, seconds: float) -> None:
    end, last = time.monotonic() + seconds, time.monotonic()
    seen = 0
    while time.monotonic() < end and (not seen or time.monotonic() - last < QUIET_S):
        time.sleep(0.1)
        if intake.tally.packets != seen:
            seen, last = intake.tally.packets, time.monotonic()


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _figures(receiver: Receiver, intake: Intake, ring: PacketRing) -> dict[str, object]:
    if receiver.error is not None:
        raise receiver.error
    return {
        "method": receiver.method,
        "packets": intake.tally.packets,
        "bytes": intake.tally.bytes,
        "multicast": intake.tally.multicast,
        "in_ring": ring.head,
        "evicted": ring.tail,
        "errors": intake.errors,
        "rss_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


if __name__ == "__main__":
    main()
