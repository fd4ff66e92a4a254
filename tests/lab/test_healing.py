"""A headless verb outlives its interface, also where nobody is root."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import started
from tests.peers import wait_until

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab


def send(host: Host, text: str) -> None:
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, host.address4.packed)
        sock.sendto(text.encode() + b"\n", ("239.5.5.5", 5000))


def test_a_network_card_that_is_taken_out_and_put_in_again_is_listened_on_again(lab: Lab) -> None:
    def hears(text: str) -> bool:
        send(lab.host(2), text)
        return text.encode() in listening.output.data

    with started(lab.host(1), "listen", "239.5.5.5%eth0:5000") as listening:
        said = listening.errors
        wait_until(lambda: hears("before"), "a packet")
        lab.remove(1)
        said.wait(lambda: b"warning: Cannot receive 239.5.5.5:5000: eth0 is gone." in said.data, "the loss")
        lab.insert(1)
        wait_until(lambda: hears("after"), "a packet on the new interface")
        healed = b"eth0: 239.5.5.5 joined again: users 1, EXCLUDE {} [/proc/net/igmp]"
        said.wait(lambda: healed in said.data, "what was healed")
        assert b"eth0: gone, and its memberships with it [RTM_DELLINK]" in said.data


@pytest.mark.parametrize("ifindex", [None, 77])
def test_a_card_that_was_put_in_again_has_its_addresses_and_carries_packets(
    lab: Lab, ifindex: int | None
) -> None:
    lab.remove(1)
    with pytest.raises(OSError, match="no interface with this name"):
        assert lab.host(1).ifindex
    lab.insert(1, ifindex=ifindex)
    assert ifindex in {None, lab.host(1).ifindex}
    host = lab.host(1)
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((str(host.address4), 0))
        with lab.host(2).entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"x", sock.getsockname())
        sock.settimeout(30)
        assert sock.recv(1) == b"x"
