"""``groups`` on the virtual LAN, with and without root: what others join is there, and goes again."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from tests.cli.commands import run_on, started, wait_lines
from tests.peers import requires, socat_peer

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab


@requires("socat")
def test_what_another_program_joins_and_leaves_is_seen_on_its_host_only(lab: Lab) -> None:
    here, there = lab.host(1), lab.host(2)
    with started(here, "groups", "--watch", "--json", "239.1.1.1", until="watching") as watch:
        with socat_peer(here, "239.1.1.1"):
            wait_lines(watch, 1)
            [row] = map(json.loads, run_on(here, "groups", "--json", "239.1.1.1").stdout.splitlines())
            assert (row["users"], row["who"], row["filter"], row["sources"]) == (1, "other", "EXCLUDE", [])
            assert run_on(there, "groups", "239.1.1.1").returncode == 1
        printed = list(map(json.loads, wait_lines(watch, 2)))
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended() == 130
    assert [(each["event"], each["interface"], each["seen"]) for each in printed] == [
        ("join", "eth0", True),
        ("leave", "eth0", True),
    ]
    assert run_on(here, "groups", "239.1.1.1").returncode == 1
