"""Join a run of groups through a node, leave them again, print the seconds of both: ``ENDPOINT``."""

from __future__ import annotations

import asyncio
import sys
import time

from mcast_tui.services.node import Node
from mcast_tui.services.settings import Settings
from mcast_tui.wire.address import parse_endpoint


async def main(endpoint: str) -> None:
    async with Node(Settings()) as node:
        begun = time.perf_counter()
        await node.join(parse_endpoint(endpoint))
        joined = time.perf_counter()
    print(joined - begun, time.perf_counter() - joined)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
