"""The tap on the lab, with and without root: in this process, and by the privileged process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mcast_tui.net.privileges import read_privileges
from mcast_tui.wire.frame import Direction
from tests.cli.commands import started
from tests.net.test_tap import send, tapped
from tests.peers import wait_until
from tests.tap_reader import Reader, runtime_directory

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host
    from mcast_tui.services.lab.lan import Lab


def test_a_tap_sees_a_group_that_nobody_joined_and_our_own_sending(host1: Host, host2: Host) -> None:
    with tapped(host1) as seen:
        send(host2, b"theirs")
        send(host1, b"ours")
        packet = seen.wait(b"theirs")
        seen.wait(b"ours")

    assert (packet.source, str(packet.destination)) == (host2.address4, "239.9.9.9")
    assert seen.link(b"theirs")["direction"] == Direction.INCOMING
    assert seen.link(b"ours")["direction"] == Direction.OUTGOING


def test_a_process_without_privilege_is_fed_by_one_that_gave_its_own_up(
    lab: Lab, host1: Host, host2: Host
) -> None:
    uid = os.geteuid()
    with (
        runtime_directory(uid),
        started(host1, "tap", "--user", str(uid), until="feeding") as helper,
        Reader(host1, uid) as reader,
    ):
        left = read_privileges(str(helper.process.pid))
        reader.wait_state(is_open=True)
        send(host2, b"through the door")
        reader.wait("payload", "through the door")
        lab.remove(1)
        wait_until(lambda: "gone" in str(reader.said("state")[-1]["error"]), "the loss")
        lab.insert(1)
        reader.wait_state(error=None)
        send(host2, b"by the new card")
        reader.wait("payload", "by the new card")

    assert (left.uid, left.capabilities, left.bounding, left.has_no_new) == (uid, 0, 0, True)


def test_what_comes_up_later_is_tapped_without_the_privilege_that_was_given_up(make_lab) -> None:
    lab = make_lab(2, lans=2)
    host, other, uid = lab.host(1), lab.host(2), os.geteuid()
    host.run(["ip", "link", "set", "eth0", "down"])
    lab.remove(1, 1)
    with (
        runtime_directory(uid),
        started(host, "tap", "--user", str(uid), until="feeding") as helper,
        Reader(host, uid) as reader,
    ):
        left = read_privileges(str(helper.process.pid))
        closed = reader.wait_state(is_open=False, way=f"by sudo mcast-tui tap, process {helper.process.pid}")
        lab.insert(1, 1)
        reader.wait_state(interfaces=["eth1"], error=None)
        wait_until(lambda: send(other, b"by a new card", lan=1) or "by a new card" in reader.said("payload"))
        host.run(["ip", "link", "set", "eth0", "up"])
        reader.wait_state(interfaces=["eth1", "eth0"], error=None)
        host.run(["ip", "link", "add", "third", "up", "type", "veth", "peer", "name", "fourth"])
        reader.wait_state(interfaces=["eth1", "eth0", "third"])
        said = helper.errors.data.decode()

    assert (left.capabilities, left.bounding, left.has_no_new) == (0, 0, True)
    assert "none is up" in closed["error"]
    assert "tapping what will come up, for nothing is: multicast and broadcast" in said
    assert "tapping eth1, eth0, third now" in said
