"""A machine that tells everybody on the LAN what it is doing, wanted or not."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.life import Manner

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = (
    "backup of host3: started",
    "backup of host3: 25 %",
    "backup of host3: 50 %",
    "backup of host3: 75 %",
    "backup of host3: done, 1.4 GB",
    "host3: next backup in an hour",
)


class Broadcaster:
    """The backup script; `destination` is the broadcast address to use."""

    def __init__(self, destination: str = "255.255.255.255") -> None:
        self.manner = Manner(destination, 6666, source_port=6666, maximum_rate=2)

    def talk(self) -> Iterator[tuple[float, bytes]]:
        pause = 2.0
        for line in cycle(LINES):
            yield pause, line.encode() + b"\n"
            pause = 7.0

    def answer(self, heard: bytes) -> None:
        """Stay silent."""
