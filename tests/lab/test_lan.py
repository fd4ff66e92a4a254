"""The virtual LAN carries what an Ethernet carries, proved with programs we did not write."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.lan import Lab
from tests.peers import requires, socat, socat_peer, tcpdump_on, wait_until

pytestmark = requires("socat", "ip")


def test_each_host_has_its_own_name_and_addresses(lab):
    for number in (1, 2, 3):
        host = lab.host(number)
        shown = host.run(["ip", "-br", "addr", "show", "dev", host.interface]).stdout
        assert host.run(["hostname"]).stdout == f"host{number}\n"
        assert shown.split()[2:] == [f"192.168.10.{number}/24", f"fd00:10::{number}/64", f"fe80::{number}/64"]
        assert host.ifindex == int(host.run(["cat", "/sys/class/net/lo/ifindex"]).stdout) + 1


def test_a_line_to_a_group_reaches_every_member_and_its_sender(lab):
    peers = [socat_peer(lab.host(number)) for number in (1, 2, 3)]
    peers[0].say("hello, group")
    assert all(peer.hears("hello, group") for peer in peers)


def test_a_line_to_an_ipv6_group_reaches_every_member(lab):
    peers = [socat_peer(lab.host(number), "ff02::4d43") for number in (1, 2, 3)]
    peers[1].say("hello, six")
    assert all(peer.hears("hello, six") for peer in peers)


def test_a_limited_broadcast_reaches_every_host(lab):
    peers = [socat_peer(lab.host(number), "broadcast") for number in (1, 2, 3)]
    peers[2].say("hello, all")
    assert all(peer.hears("hello, all") for peer in peers)


@requires("tshark", "tcpdump")
@pytest.mark.parametrize("group", ["224.1.0.1", "ff02::4d43", "broadcast"])
def test_the_wire_shows_addresses_ports_and_hop_limit_of_what_a_peer_said(lab, group):
    with tcpdump_on(lab.host(3)) as wire, socat_peer(lab.host(2), group) as peer:
        peer.say("seen")
        [packet] = wire.packets(1)
    sources = {IPv4Address("192.168.10.2"), IPv6Address("fe80::2")}
    expected = {"224.1.0.1": IPv4Address("224.1.0.1"), "ff02::4d43": IPv6Address("ff02::4d43")}
    assert packet.source in sources
    assert packet.destination == expected.get(group, IPv4Address("255.255.255.255"))
    assert (packet.source_port, packet.destination_port) == (6666, 6666)
    assert packet.hop_limit == (64 if group == "broadcast" else 1)
    assert (packet.payload, packet.length) == (b"seen\n", 5)


@requires("tshark", "tcpdump")
def test_a_fragmented_datagram_is_shown_whole(lab):
    with tcpdump_on(lab.host(3)) as wire, lab.host(1).entered():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(bytes(range(256)) * 12, ("224.1.0.1", 6666))
        [packet] = wire.packets(3)
    assert packet.payload == bytes(range(256)) * 12


def test_a_cut_cable_stops_traffic_and_a_plugged_one_carries_it_again(lab):
    one, two, three = (socat_peer(lab.host(number)) for number in (1, 2, 3))
    lab.cut(3)
    assert "NO-CARRIER" in lab.host(3).run(["ip", "link", "show", "dev", "eth0"]).stdout
    one.say("while cut")
    assert two.hears("while cut")
    lab.plug(3)
    one.say("plugged in")
    assert three.hears("plugged in")
    assert "while cut" not in three.lines


def test_without_a_route_a_group_is_unreachable_and_with_a_default_route_it_is_not(make_lab):
    for routes, reachable in (("none", False), ("default", True), ("multicast", True)):
        host = make_lab(1, routes=routes).host(1)
        with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            assert (sock.connect_ex(("224.1.0.1", 6666)) == 0) is reachable


def test_a_host_on_two_lans_hears_the_same_group_on_both(make_lab):
    lab = make_lab(2, lans=2)
    group = "UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,ip-add-membership=224.1.0.1"
    first, second = (socat(lab.host(1), "STDIO", f"{group}:eth{lan},reuseaddr") for lan in (0, 1))
    for lan, hearer in ((0, first), (1, second)):
        sender = socat(lab.host(2), "STDIO", f"UDP4-DATAGRAM:224.1.0.1:6666,ip-multicast-if=192.168.1{lan}.2")
        sender.say(f"on lan {lan}")
        assert hearer.hears(f"on lan {lan}")
    assert lab.host(1).run(["ping", "-c1", "-W20", "192.168.11.2"]).returncode == 0


def test_the_links_have_the_mtu_that_was_asked_for(make_lab):
    lab = make_lab(2, mtu=9000)
    assert lab.host(1).run(["ping", "-c1", "-W20", "-M", "do", "-s", "8972", "192.168.10.2"]).returncode == 0


def test_a_snooping_switch_with_a_querier_learns_the_members(make_lab):
    lab = make_lab(2, snooping=True, querier=True)
    with socat_peer(lab.host(2), "239.1.2.3"), tcpdump_on(lab.host(1), "igmp[0] = 0x11") as wire:
        versions = set(wire.fields("igmp.version", at_least=1))
        assert versions == {("3",)}
        wait_until(lambda: "239.1.2.3" in lab.switch.run(["bridge", "mdb", "show"]).stdout, "the member")


def test_visits_nest_and_end_where_they_began(lab):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
        assert outside.connect_ex(("192.168.10.2", 9)) != 0
    with lab.host(1).entered():
        with lab.host(2).entered():
            assert socket.gethostname() == "host2"
        assert socket.gethostname() == "host1"
    assert {name for _, name in socket.if_nameindex()} == {"lo"}


async def test_a_lab_can_be_built_and_changed_while_an_event_loop_runs():
    with Lab(2) as lab:
        lab.set_querier(on=True)
        lab.cut(1)
        lab.plug(1)
        with socat_peer(lab.host(1)) as one, socat_peer(lab.host(2)) as two, tcpdump_on(lab.host(2)) as wire:
            one.say("awaited")
            assert await two.will_hear("awaited")
            assert [packet.payload for packet in await wire.will_see(1)] == [b"awaited\n"]


def test_two_labs_stand_side_by_side_and_do_not_hear_each_other(make_lab):
    here, there = make_lab(2), make_lab(2)
    stranger = socat_peer(there.host(2))
    with socat_peer(here.host(1)) as one, socat_peer(here.host(2)) as two:
        one.say("only here")
        assert two.hears("only here")
    stranger.say("last")
    assert stranger.hears("last")
    assert stranger.lines == ["last"]


def test_a_program_that_does_not_exist_is_an_error_at_once(lab):
    with pytest.raises(FileNotFoundError):
        lab.host(1).run(["/no-such-program"])


@pytest.mark.parametrize("hosts", [0, 251])
def test_a_lan_of_no_host_or_too_many_is_refused(hosts):
    with pytest.raises(UsageError):
        Lab(hosts)
