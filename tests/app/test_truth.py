"""What the log shows of each packet is what tcpdump on the same host saw of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.sender import SendOptions
from tests.app.frame import frame_on
from tests.peers import Seen, socat_peer, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab
    from tests.app.frame import Frame

pytestmark = pytest.mark.usefixtures("shared_lab")

WIDE = (260, 50)
"""Wide enough for every column and a whole IPv6 address."""
KINDS = {"224.1.0.1": "M", "broadcast": "B", "ff02::4d43": "M"}


def rows(frame: Frame) -> list[tuple[str, ...]]:
    """Return (source, kind, destination, length, TTL) of each line of the log on screen."""
    found = []
    for line in frame.text.splitlines():
        words = line.partition(" eth0 ")[2].split()
        if len(words) > 5 and words[1] in {"M", "B", "U"}:
            found.append((words[0], words[1], words[2], words[3], words[4]))
    return found


def as_row(seen: Seen, kind: str) -> tuple[str, ...]:
    def place(address: object, port: int) -> str:
        return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"

    return (
        place(seen.source, seen.source_port),
        kind,
        place(seen.destination, seen.destination_port),
        str(seen.length),
        str(seen.hop_limit),
    )


@pytest.mark.parametrize("group", KINDS)
async def test_the_log_shows_what_tcpdump_saw_of_two_socat_peers_and_of_us(lab: Lab, group: str) -> None:
    endpoint = f"[{group}%eth0]:6666" if ":" in group else f"{group}%eth0:6666"
    async with frame_on(lab.host(1), endpoint, size=WIDE) as frame:
        with (
            tcpdump_on(lab.host(1), "udp port 6666") as wire,
            socat_peer(lab.host(2), group) as two,
            socat_peer(lab.host(3), group) as three,
        ):
            two.say("from two")
            await frame.until(lambda: "from two" in frame.text, "the line of two")
            three.say("from three, longer")
            await frame.until(lambda: "from three, longer" in frame.text, "the line of three")
            [joined] = frame.node.groups
            await frame.node.send(joined.endpoint, b"from us\n", SendOptions())
            await frame.until(lambda: len(rows(frame)) == 3, "three rows")
            assert await two.will_hear("from us")
            assert await three.will_hear("from us")
            assert await two.will_hear("from three, longer")
            seen = await wire.will_see(3)
        shown = rows(frame)
    assert shown == [as_row(each, KINDS[group]) for each in seen]
