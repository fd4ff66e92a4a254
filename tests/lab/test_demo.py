"""The demo's LAN comes up by itself, with peers that talk, and falls back to loopback honestly."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Address

import pytest

from mcast_tui.services.lab.demo import INHABITANTS
from mcast_tui.services.lab.namespace import python_command
from tests.lab.test_nothing_left import (
    FORBID_USER_NAMESPACES,
    UNPRIVILEGED,
    await_end,
    living_of,
    still_there,
)
from tests.peers import requires, tcpdump_on

pytestmark = requires("tcpdump", "tshark", "unshare", "setpriv")

DEMO = f"""
sys.path += {[path for path in sys.path if "site-packages" in path]!r}
import os, socket
from mcast_tui.services.lab.demo import enter_demo_lan
with enter_demo_lan(force_loopback={{loopback}}, seed=1) as lan:
    print(socket.gethostname())
    print(*lan.endpoints)
    print(lan.note)
    print(lan.refused)
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in lan.endpoints]
    for endpoint, sock in zip(lan.endpoints, socks):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((str(endpoint.address), endpoint.port))
        if endpoint.is_multicast:
            index = socket.if_nametoindex(endpoint.interface or "eth0").to_bytes(4, sys.byteorder)
            member = endpoint.address.packed + bytes(4) + index
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    for endpoint, sock in zip(lan.endpoints, socks):
        print(endpoint, sock.recvfrom(2000)[1][0], flush=True)
    {{then}}
"""
WAIT_FOR_VANDAL = "while socks[0].recvfrom(2000)[1][0] != '127.0.0.4': continue"
LAN = {
    "224.1.0.1:6666": {"192.168.10.2", "192.168.10.4"},
    "239.69.0.1:5004": {"192.168.10.3"},
    "224.0.0.251:5353": {"192.168.10.2"},
    "239.255.255.250:1900": {"192.168.10.3"},
    "broadcast:6666": {"192.168.10.3"},
}


def command(*, loopback=False, then="pass"):
    return python_command(DEMO.format(loopback=loopback, then=then))


@pytest.mark.parametrize("prefix", [(), UNPRIVILEGED], ids=["privileged", "unprivileged"])
def test_on_every_endpoint_of_the_demo_its_peers_are_heard(prefix):
    told = subprocess.run(
        [*prefix, *command()], capture_output=True, text=True, check=True, timeout=100
    ).stdout
    name, endpoints, note, refused, *heard = told.splitlines()
    assert (name, refused) == ("host1", "None")
    assert endpoints.split() == list(LAN)
    assert "virtual LAN" in note
    for line in heard:
        endpoint, source = line.split()
        assert source in LAN[endpoint]
    assert len(heard) == len(LAN)


def test_a_killed_demo_leaves_nothing():
    with subprocess.Popen(command(then="input()"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as demo:
        assert all(demo.stdout.readline() for _ in range(4 + len(LAN)))
        made, everyone = living_of(demo.pid)
        assert len(everyone) == 1 + 5 + sum(map(len, INHABITANTS.values()))
        demo.kill()
    await_end(everyone - {demo.pid})
    assert still_there(made) == set()


def test_on_loopback_the_peers_have_addresses_of_their_own_and_nothing_leaves(lab, host1):
    with tcpdump_on(host1, "udp") as outside, tcpdump_on(host1, "udp", interface="lo") as inside:
        told = host1.run(command(loopback=True, then=WAIT_FOR_VANDAL), timeout_s=100).stdout.splitlines()
        # What came before the witness is captured before it; this one does leave by the cable.
        host1.run(["sh", "-c", "echo witness | socat -u - UDP4-DATAGRAM:127.0.0.1:9"])
        host1.run(["sh", "-c", "echo witness | socat -u - UDP4-DATAGRAM:192.168.10.255:9,broadcast"])
        packets = inside.packets(until=b"witness")
        assert [packet.payload for packet in outside.packets(until=b"witness")] == [b"witness\n"]
    assert told[1].split() == [
        "224.1.0.1%lo:6666", "239.69.0.1%lo:5004", "224.0.0.251%lo:5353", "239.255.255.250%lo:1900",
        "127.255.255.255%lo:6666",
    ]  # fmt: skip
    assert "loopback" in told[2]
    assert len(told) == 4 + 5
    assert {packet.source for packet in packets} - {IPv4Address("127.0.0.1")} == {
        IPv4Address(f"127.0.0.{host}") for host in INHABITANTS
    }


def test_where_user_namespaces_are_forbidden_the_demo_says_so_and_talks_on_loopback(lab, host1):
    wrapped = ["unshare", "-Ur", "sh", "-c", FORBID_USER_NAMESPACES, *UNPRIVILEGED, *command()]
    told = host1.run(wrapped, timeout_s=100).stdout.splitlines()
    assert "User namespaces are switched off." in told[2]
    assert "No space left on device (ENOSPC)" in told[3]
    assert [line.split()[1] for line in told[4:]][1:] == ["127.0.0.3", "127.0.0.2", "127.0.0.3", "127.0.0.3"]
