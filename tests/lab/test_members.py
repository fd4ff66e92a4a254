"""Who else is a member: socat on another host joins and leaves, and a tap here tells who."""

from __future__ import annotations

import json
import shlex
import socket
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from tests.app.frame import frame_on
from tests.cli.commands import lines, started
from tests.peers import requires, socat, socat_peer, wait_until

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from mcast_tui.services.lab.host import Host
    from tests.peers import Program, Socat

GROUP, SSM_GROUP, SOURCE = "239.1.1.1", "232.1.1.1", "192.168.10.3"
IP_ADD_SOURCE_MEMBERSHIP = 39
"""linux/in.h; CPython has no name for it."""


def ssm_peer(host: Host) -> Socat:
    """Start a socat that hears one source of a group only; older ones have no word for the option."""
    request = b"".join(IPv4Address(each).packed for each in (SSM_GROUP, host.address4, SOURCE))
    join = f"setsockopt-listen={socket.IPPROTO_IP}:{IP_ADD_SOURCE_MEMBERSHIP}:x{request.hex()}"
    return socat(host, "STDIO", f"UDP4-RECV:5000,reuseaddr,{join}")


def changes(program: Program, who: str, group: str) -> list[dict[str, Any]]:
    """Return the joins and leaves of this host printed so far."""
    printed = map(json.loads, lines(program.output))
    return [
        each
        for each in printed
        if (each["who"], each["group"]) == (who, group) and each["event"] in {"join", "leave"}
    ]


def commands_run(file: Path) -> set[str]:
    """Return what the commands wrote so far; other hosts join groups by themselves, and are told of, too."""
    return {line.rstrip() for line in file.read_text().splitlines()} if file.exists() else set()


@requires("socat")
def test_a_watch_with_a_tap_tells_which_host_joins_and_leaves_and_runs_a_command_on_it(
    host1: Host, host2: Host, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    script = f'echo "$MCAST_EVENT $MCAST_WHO $MCAST_GROUP $MCAST_FILTER $MCAST_SOURCES" >> {ran}'
    hook = shlex.join(["sh", "-c", script])
    options = ("--tap", "--json", "--on-join", hook, "--on-leave", hook)
    who = str(host2.address4)
    with started(host1, "groups", "--watch", *options, until="listening to the wire") as watch:
        with socat_peer(host2, GROUP), ssm_peer(host2):
            wait_until(lambda: len(changes(watch, who, GROUP)) == 1, "the join")
            wait_until(lambda: len(changes(watch, who, SSM_GROUP)) == 1, "the source-specific one")
        wait_until(lambda: len(changes(watch, who, GROUP)) == 2, "the leave")
        wait_until(lambda: len(changes(watch, who, SSM_GROUP)) == 2, "the source-specific one")
        wanted = {
            f"join {who} {GROUP} EXCLUDE",
            f"leave {who} {GROUP}",
            f"join {who} {SSM_GROUP}",  # nobody asked who was a member before: INCLUDE is not known
            f"leave {who} {SSM_GROUP}",
        }
        wait_until(lambda: wanted <= commands_run(ran), "the commands")
        seen = [changes(watch, who, group) for group in (GROUP, SSM_GROUP)]
    for joined, left in seen:
        assert (joined["event"], left["event"]) == ("join", "leave")
        assert (joined["seen"], joined["origin"], joined["interface"]) == (True, "tap", "eth0")
        assert (left["seen"], left["users"]) == (joined["filter"] is not None, None)
    assert seen[1][0]["text"].endswith(f"ALLOW_NEW_SOURCES {{{SOURCE}}}")


@requires("socat")
async def test_the_app_lists_the_members_it_heard_and_the_groups_of_others(host1: Host, host2: Host) -> None:
    async with frame_on(host1, GROUP, size=(200, 50)) as frame:
        await frame.press("4")
        await frame.until(lambda: frame.stage.memberships.tap.is_open, "the tap")
        [ours] = frame.node.groups

        def heard(group: str) -> bool:
            return any(str(each.group) == group for each in frame.stage.memberships.heard_groups())

        with socat_peer(host2, GROUP), ssm_peer(host2):
            await frame.until(lambda: heard(GROUP) and heard(SSM_GROUP), "their reports")
            [joined] = [
                each
                for each in frame.stage.memberships.heard_groups()
                if (each.ifindex, each.group) == (ours.ifindex, ours.endpoint.address)
            ]
            assert [(each.address, str(each.filter)) for each in joined.members] == [
                (host2.address4, "EXCLUDE {}")
            ]
            await frame.press("enter")
            await frame.until(lambda: f"{host2.address4}  EXCLUDE {{}}" in frame.text, "the detail")
            await frame.until(
                lambda: any(
                    SSM_GROUP in line and "1 member, " in line and str(host2.address4) in line
                    for line in frame.text.splitlines()
                ),
                "the group of others",
            )
        await frame.until(lambda: not heard(GROUP) and not heard(SSM_GROUP), "their leaving")
        await frame.until(lambda: "no other member heard" in frame.text, "the detail without them")
