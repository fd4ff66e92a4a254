"""Start one bot; ends with its standard input."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.broadcaster import Broadcaster
from mcast_tui.services.lab.bots.life import Bot, live
from mcast_tui.services.lab.bots.mdns import MdnsAnnouncer
from mcast_tui.services.lab.bots.person import Person
from mcast_tui.services.lab.bots.ssdp import SsdpAnnouncer
from mcast_tui.services.lab.bots.stream import Stream
from mcast_tui.services.lab.bots.vandal import Vandal

if TYPE_CHECKING:
    from collections.abc import Callable

BOTS: dict[str, Callable[[argparse.Namespace], Bot]] = {
    "person": lambda options: Person(options.seed),
    "stream": lambda options: Stream(options.seed),
    "mdns": lambda options: MdnsAnnouncer(options.address),
    "ssdp": lambda options: SsdpAnnouncer(options.address),
    "broadcaster": lambda options: Broadcaster(options.broadcast),
    "vandal": lambda _: Vandal(),
}


def main() -> None:
    """Read the command line and live."""
    parser = argparse.ArgumentParser(prog="python -m mcast_tui.services.lab.bots", description=__doc__)
    parser.add_argument("name", choices=BOTS)
    parser.add_argument("--address", required=True, help="own address, to send from")
    parser.add_argument("--interface", required=True)
    parser.add_argument("--broadcast", default="255.255.255.255", help="where a broadcaster sends")
    parser.add_argument("--seed", type=int, help="makes the bot say the same each time")
    options = parser.parse_args()
    live(BOTS[options.name](options), options.address, options.interface)


if __name__ == "__main__":
    main()
