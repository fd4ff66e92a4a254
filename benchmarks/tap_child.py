"""Tap an interface with our own tap until told to end; print what came, as JSON.

tap_child.py INTERFACE PORT      ends at the end of its standard input
"""

from __future__ import annotations

import json
import sys

import numpy as np

from mcast_tui.capture.ring import PacketRing
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.tap import Tap
from mcast_tui.services.tap.tap import RING_BYTES, RING_PACKETS
from mcast_tui.wire.frame import LINK_COLUMNS


class Counting:
    """The ring as the app has it, and a count of what went to one port."""

    def __init__(self, port: int) -> None:
        self.ring = PacketRing(RING_PACKETS, RING_BYTES, LINK_COLUMNS)
        self.port, self.packets = port, 0

    def append_blocks(self, columns, blocks, firsts, lengths) -> None:
        self.packets += int(np.count_nonzero(columns["destination_port"] == self.port))
        self.ring.append_blocks(columns, blocks, firsts, lengths)


def main() -> None:
    interface = resolve_interface(sys.argv[1], list_interfaces())
    sink = Counting(int(sys.argv[2]))
    tap = Tap([interface], sink, heard=lambda _frames: None)
    tap.start()
    sys.stdin.read()
    tap.close()
    if tap.error is not None:
        raise tap.error
    counts = tap.counts
    print(json.dumps({"packets": sink.packets, "dropped": counts.dropped, "refused": counts.refused}))


if __name__ == "__main__":
    main()
