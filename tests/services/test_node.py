"""A node joins, hears, answers and leaves, on real sockets of a lab; socat and tcpdump are the other side."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import McastError, UsageError
from mcast_tui.net.sender import SendOptions
from mcast_tui.services.chat import DIRECT, LineState
from mcast_tui.services.events import DatagramRefused, DatagramSent, GroupJoined, GroupLeft, MembershipNews
from mcast_tui.services.kernel_views import read_views
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.columns import Addressed
from tests.peers import PATIENCE_S, socat, socat_peer, tcpdump_on
from tests.services.nodes import counted, node_on, packets, send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = parse_endpoint("224.1.0.1%eth0:6666")


async def test_what_socat_sends_is_received_with_everything_the_kernel_says(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(CHAT)
        with tcpdump_on(lab.host(1)) as wire, socat_peer(lab.host(2)) as peer:
            peer.say("hello, lan")
            [packet] = await packets(node, 1)
            [seen] = [each for each in await wire.will_see(1) if each.destination_port == 6666]
    assert (packet.source, packet.source_port) == (seen.source, seen.source_port)
    assert (packet.destination, packet.destination_port) == (seen.destination, seen.destination_port)
    assert (packet.hop_limit, packet.traffic_class) == (seen.hop_limit, seen.traffic_class)
    assert (packet.length, packet.payload) == (seen.length, seen.payload)
    assert packet.addressed is Addressed.MULTICAST
    assert packet.local_address == lab.host(1).address4
    assert packet.ifindex == lab.host(1).ifindex
    assert packet.kernel_time
    assert abs(packet.received_at / 1e9 - seen.at) < 1
    assert not packet.own


async def test_every_peer_hears_what_we_send_from_the_groups_port(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with (
            socat_peer(lab.host(2)) as two,
            socat_peer(lab.host(3)) as three,
            tcpdump_on(lab.host(3)) as wire,
        ):
            sent = await node.send(group.endpoint, b"hi\n", SendOptions())
            assert await two.will_hear("hi")
            assert await three.will_hear("hi")
            seen = (await wire.will_see(1))[0]
    assert sent.source_port == seen.source_port == 6666
    assert seen.hop_limit == 1


async def test_our_own_datagram_comes_back_marked_as_ours(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        await node.send(group.endpoint, b"echo\n", SendOptions())
        [packet] = await packets(node, 1)
        assert packet.own
        node.chat.poll()
        [line] = node.chat.lines(group.id)
    assert (line.text, line.state) == ("echo", LineState.HEARD)


async def test_a_neighbour_process_on_the_same_port_is_not_taken_for_us(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with socat_peer(lab.host(1), "224.1.0.1", 6666, "reuseaddr") as neighbour:
            neighbour.say("same host, same port")
            await node.send(group.endpoint, b"same host, same port\n", SendOptions())
            heard = await packets(node, 2)
        node.chat.poll()
        states = sorted(line.state.value for line in node.chat.lines(group.id))
    assert sorted(packet.own for packet in heard) == [False, True]
    assert states == ["heard", "received"]


async def test_the_ipv6_twin_talks_in_both_directions(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("[ff02::4d43%eth0]:6666"))
        with socat_peer(lab.host(2), "ff02::4d43") as peer:
            peer.say("from socat")
            [packet] = await packets(node, 1)
            await node.send(group.endpoint, b"from us\n", SendOptions())
            assert await peer.will_hear("from us")
    assert packet.addressed is Addressed.MULTICAST
    assert packet.destination == ip_address("ff02::4d43")
    assert packet.hop_limit == 1
    assert packet.payload == b"from socat\n"


async def test_the_same_ipv6_group_on_two_interfaces_is_kept_apart(make_lab) -> None:
    lab = make_lab(2, lans=2)
    async with node_on(lab.host(1)) as node:
        [first] = await node.join(parse_endpoint("[ff15::4d43%eth0]:6666"))
        [second] = await node.join(parse_endpoint("[ff15::4d43%eth1]:6666"))
        with socat(
            lab.host(2), "-u", "STDIO", "UDP6-DATAGRAM:[ff15::4d43]:6666,so-bindtodevice=eth1"
        ) as peer:
            peer.say("by eth1")
            await packets(node, 1)
        await node.send(first.endpoint, b"marker\n", SendOptions())
        heard = await packets(node, 2)
        node.chat.poll()
    assert [packet.payload for packet in heard] == [b"by eth1\n", b"marker\n"]
    assert [line.text for line in node.chat.lines(first.id)] == ["marker"]
    assert [line.text for line in node.chat.lines(second.id)] == ["by eth1"]


async def test_broadcast_peers_talk_in_both_directions(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("broadcast:6666"))
        with socat_peer(lab.host(2), "broadcast") as peer:
            peer.say("to everybody")
            [packet] = await packets(node, 1)
            await node.send(group.endpoint, b"back to everybody\n", SendOptions())
            assert await peer.will_hear("back to everybody")
        node.chat.poll()
        texts = [line.text for line in node.chat.lines(group.id)]
    assert packet.addressed is Addressed.BROADCAST
    assert packet.destination == ip_address("255.255.255.255")
    assert texts == ["to everybody", "back to everybody"]


async def test_the_directed_broadcast_address_is_a_group_of_its_own(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("192.168.10.255:6666"))
        assert group.interface is not None
        with socat(lab.host(2), "-u", "STDIO", "UDP4-DATAGRAM:192.168.10.255:6666,broadcast") as peer:
            peer.say("directed")
            [packet] = await packets(node, 1)
        monitor = node.monitor.sample(1.0)
        node.chat.poll()
        assert [line.text for line in node.chat.lines(group.id)] == ["directed"]
    assert group.interface.name == "eth0"
    assert packet.addressed is Addressed.BROADCAST
    assert monitor.groups[group.id].packets == 1


async def test_unicast_to_the_port_is_received_and_said_to_be_unicast(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        with socat(lab.host(2), "-u", "STDIO", f"UDP4-SENDTO:{lab.host(1).address4}:6666") as peer:
            peer.say("only you")
            [packet] = await packets(node, 1)
        node.chat.poll()
        assert node.chat.lines(group.id) == ()
        assert [line.text for line in node.chat.lines(DIRECT)] == ["only you"]
    assert packet.addressed is Addressed.UNICAST
    assert packet.destination == lab.host(1).address4


async def test_a_private_message_can_be_answered_though_the_port_is_shared(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(CHAT)
        with socat(lab.host(2), "UDP4-RECVFROM:7000", "SYSTEM:read line; echo got $line") as _answering:
            sent = await node.send(parse_endpoint("192.168.10.2:7000"), b"psst\n", SendOptions())
            [answer] = await packets(node, 1)
        node.chat.poll()
        lines = [(line.text, line.state) for line in node.chat.lines(DIRECT)]
    assert sent.source_port != 6666
    assert answer.payload == b"got psst\n"
    assert answer.destination_port == sent.source_port
    assert lines == [("psst", LineState.SENT), ("got psst", LineState.RECEIVED)]


async def test_two_groups_on_one_port_do_not_leak_though_another_process_joined_both(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [one] = await node.join(CHAT)
        [two] = await node.join(parse_endpoint("224.1.0.2%eth0:6666"))
        own = lab.host(1).address4
        both = f"UDP4-RECV:6666,reuseaddr,ip-add-membership=224.1.0.1:{own},ip-add-membership=224.1.0.3:{own}"
        with (
            socat(lab.host(1), "-u", both, "STDIO") as greedy,
            socat_peer(lab.host(2), "224.1.0.1") as first,
            socat_peer(lab.host(3), "224.1.0.2") as second,
            socat(lab.host(2), "-u", "STDIO", "UDP4-DATAGRAM:224.1.0.3:6666") as foreign,
        ):
            first.say("for one")
            foreign.say("for nobody here")
            second.say("for two")
            assert await greedy.will_hear("for nobody here")
            heard = await packets(node, 2)
        node.chat.poll()
        assert [line.text for line in node.chat.lines(one.id)] == ["for one"]
        assert [line.text for line in node.chat.lines(two.id)] == ["for two"]
    assert sorted(packet.payload for packet in heard) == [b"for one\n", b"for two\n"]


async def test_thirty_groups_on_one_interface_are_all_heard_and_all_left(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        groups = await node.join(parse_endpoint("239.1.0.1%eth0:5000+29"))
        views = read_views(node.groups)
        with socat(lab.host(2), "-u", "STDIO", "UDP4-DATAGRAM:239.1.0.30:5000") as peer:
            peer.say("the thirtieth")
            [packet] = await packets(node, 1)
        for group in groups:
            await node.leave(group)
        with lab.host(1).entered():
            after = read_views(node.groups, groups)
    assert len(groups) == 30
    assert {view.users for view in views.values() if view} == {1}
    assert packet.destination == ip_address("239.1.0.30")
    assert set(after.values()) == {None}


async def test_the_same_group_on_two_interfaces_is_two_groups(make_lab) -> None:
    lab = make_lab(2, lans=2)
    async with node_on(lab.host(1)) as node:
        [first] = await node.join(parse_endpoint("239.1.1.1%eth0:5000"))
        [second] = await node.join(parse_endpoint("239.1.1.1%eth1:5000"))
        for interface in ("eth0", "eth1"):
            own = str(lab.host(2).lans[int(interface[-1])].address4(2).ip)
            with socat(
                lab.host(2), "-u", "STDIO", f"UDP4-DATAGRAM:239.1.1.1:5000,ip-multicast-if={own}"
            ) as peer:
                peer.say(f"by {interface}")
                await packets(node, 1 + int(interface[-1]))
        node.chat.poll()
        assert [line.text for line in node.chat.lines(first.id)] == ["by eth0"]
        assert [line.text for line in node.chat.lines(second.id)] == ["by eth1"]
        await counted(second, 1)
        sample = node.monitor.sample(1.0)
    assert [sample.groups[group.id].packets for group in (first, second)] == [1, 1]


async def test_a_source_specific_join_hears_that_source_only(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("192.168.10.3,232.1.1.1%eth0:5000"))
        view = read_views(node.groups)[group.id]
        with (
            socat(lab.host(2), "-u", "STDIO", "UDP4-DATAGRAM:232.1.1.1:5000") as other,
            socat(lab.host(3), "-u", "STDIO", "UDP4-DATAGRAM:232.1.1.1:5000") as wanted,
            tcpdump_on(lab.host(1)) as wire,
        ):
            other.say("not asked for")
            await wire.will_see(1)
            wanted.say("asked for")
            [packet] = await packets(node, 1)
    assert view is not None
    assert view.filter == "INCLUDE {192.168.10.3}"
    assert packet.payload == b"asked for\n"


async def test_no_route_is_needed_to_join_and_to_send(make_lab) -> None:
    lab = make_lab(2, routes="none")
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        [broadcast] = await node.join(parse_endpoint("broadcast%eth0:6666"))
        own = lab.host(2).address4
        listening = f"UDP4-RECV:6666,reuseaddr,ip-add-membership=224.1.0.1:{own}"
        with socat(lab.host(2), "-u", listening, "STDIO") as peer:
            await node.send(group.endpoint, b"to the group\n", SendOptions())
            await node.send(broadcast.endpoint, b"to all\n", SendOptions())
            assert await peer.will_hear("to the group")
            assert await peer.will_hear("to all")


async def test_a_group_joined_twice_on_one_interface_is_refused(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(CHAT)
        with pytest.raises(UsageError, match="joined already"):
            await node.join(parse_endpoint("224.1.0.1:6666"))
        assert len(node.groups) == 1


@pytest.mark.parametrize("address", ["192.168.10.2:6666", "192.168.10.0:6666", "[fe80::1%eth0]:6666"])
async def test_an_address_that_is_no_group_cannot_be_joined(lab: Lab, address: str) -> None:
    async with node_on(lab.host(1)) as node:
        with pytest.raises(UsageError, match="address"):
            await node.join(parse_endpoint(address))
        assert len(node.groups) == 0


async def test_a_run_that_fails_half_way_is_undone(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(parse_endpoint("239.1.0.3%eth0:5000"))
        with pytest.raises(UsageError):
            await node.join(parse_endpoint("239.1.0.1%eth0:5000+5"))
        assert [str(group.endpoint) for group in node.groups] == ["239.1.0.3%eth0:5000"]


async def test_facts_are_told_in_order_and_a_refusal_is_one_of_them(lab: Lab) -> None:
    told: list[object] = []
    async with node_on(lab.host(1)) as node:
        end = node.subscribe(told.append)
        [group] = await node.join(CHAT)
        await node.send(group.endpoint, b"x", SendOptions())
        with pytest.raises(McastError, match="70000"):
            await node.send(group.endpoint, bytes(70_000), SendOptions())
        node.chat.poll()
        failed = [line for line in node.chat.lines(group.id) if line.state is LineState.FAILED]
        await node.leave(group)
        end()
        await node.join(CHAT)
    assert [type(event) for event in told] == [
        GroupJoined, MembershipNews, DatagramSent, DatagramRefused, GroupLeft, MembershipNews
    ]  # fmt: skip
    assert failed[0].error is not None


async def test_sources_out_of_range_are_counted_as_refused_and_kept(lab: Lab) -> None:
    from mcast_tui.wire.address import parse_network

    async with node_on(lab.host(1), ranges=(parse_network("192.168.10.3/32"),)) as node:
        [group] = await node.join(CHAT)
        with socat_peer(lab.host(2)) as two, socat_peer(lab.host(3)) as three:
            two.say("from outside the range")
            await packets(node, 1)
            three.say("from inside")
            heard = await packets(node, 2)
        sample = node.monitor.sample(1.0)
        node.chat.poll()
        assert [line.text for line in node.chat.lines(group.id)] == ["from inside"]
    assert [packet.refused for packet in heard] == [True, False]
    assert sample.refused == 1


async def test_a_flood_is_shown_as_its_newest_lines_and_a_count_of_the_rest(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        send_from(lab.host(2), *(f"line {number}".encode() for number in range(300)))
        await packets(node, 300)
        node.chat.poll()
        lines = node.chat.lines(group.id)
    assert len(lines) == 200
    assert node.chat.skipped() == 100
    assert lines[-1].text == "line 299"
    assert node.chat.unread(group.id) == 200


async def test_rates_come_from_two_samples_and_are_unknown_before(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        before = node.monitor.sample(10.0)
        send_from(lab.host(2), *[b"tick\n"] * 4)
        await packets(node, 4)
        await counted(group, 4)
        after = node.monitor.sample(12.0)
        [peer_seen] = node.monitor.peers(group)
    assert before.packets_per_s is None
    assert after.packets_per_s == 2.0
    assert after.groups[group.id].packets_per_s == 2.0
    assert after.groups[group.id].bytes == 20
    assert (peer_seen.address, peer_seen.port) == (lab.host(2).address4, 40_000)


async def test_leaving_the_node_leaves_every_membership(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        groups = await node.join(CHAT)
    with lab.host(1).entered():
        assert set(read_views(node.groups, groups).values()) == {None}


async def test_waiting_ends_with_an_error_when_the_capture_thread_ends_by_a_fault(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)

        def broken(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        node.ring.append = broken
        waiting = asyncio.ensure_future(node.wait_beyond(0))
        await node.send(group.endpoint, b"x", SendOptions())
        with pytest.raises(McastError, match="a fault of ours"):
            async with asyncio.timeout(PATIENCE_S):
                await waiting


async def test_by_loopback_our_datagrams_carry_our_address_and_are_known_as_ours(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("224.1.0.1%lo:6666"))
        await node.send(group.endpoint, b"to myself\n", SendOptions())
        [packet] = await packets(node, 1)
    assert packet.source == ip_address("127.0.0.1")
    assert packet.own


@pytest.mark.own_lab
async def test_a_new_address_of_the_interface_does_not_let_a_group_in_twice(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(CHAT)
        lab.host(1).run(["ip", "address", "add", "192.168.10.77/24", "dev", "eth0"])
        with pytest.raises(UsageError, match="joined already"):
            await node.join(CHAT)


async def test_any_source_beside_one_source_is_refused_because_each_packet_would_come_twice(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        await node.join(parse_endpoint("192.168.10.3,232.1.1.1%eth0:5000"))
        with pytest.raises(UsageError, match=r"192\.168\.10\.3 only"):
            await node.join(parse_endpoint("232.1.1.1%eth0:5000"))
        await node.join(parse_endpoint("192.168.10.2,232.1.1.1%eth0:5000"))
        assert len(node.groups) == 2


async def test_of_groups_alike_the_one_that_is_meant_is_found(make_lab) -> None:
    lab = make_lab(1, lans=2)
    async with node_on(lab.host(1)) as node:
        [first] = await node.join(parse_endpoint("239.1.1.1%eth0:5000"))
        [second] = await node.join(parse_endpoint("239.1.1.1%eth1:5000"))
        [everywhere] = await node.join(parse_endpoint("broadcast:5000"))
        [one] = await node.join(parse_endpoint("broadcast%eth1:5000"))
        found = [
            node.groups.find(group.endpoint, node.interfaces) for group in (first, second, everywhere, one)
        ]
    assert found == [first, second, everywhere, one]


@pytest.mark.own_lab
async def test_our_datagrams_stay_ours_when_the_address_changes(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        lab.host(1).run(["ip", "address", "del", "192.168.10.1/24", "dev", "eth0"])
        lab.host(1).run(["ip", "address", "add", "192.168.10.77/24", "dev", "eth0"])
        node.sample(1.0)
        await node.send(group.endpoint, b"new address\n", SendOptions())
        [packet] = await packets(node, 1)
    assert packet.own


@pytest.mark.own_lab
async def test_a_datagram_from_an_interface_without_an_address_is_ours_too(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(CHAT)
        lab.host(1).run(["ip", "address", "del", "192.168.10.1/24", "dev", "eth0"])
        node.sample(1.0)
        await node.send(group.endpoint, b"from nowhere\n", SendOptions())
        [packet] = await packets(node, 1)
    assert packet.source == ip_address("0.0.0.0")
    assert packet.own


async def test_a_directed_broadcast_leaves_from_the_groups_port(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        [group] = await node.join(parse_endpoint("192.168.10.255:6666"))
        sent = await node.send(group.endpoint, b"x\n", SendOptions())
    assert sent.source_port == 6666


async def test_answers_to_a_private_message_obey_the_range_and_are_counted(lab: Lab) -> None:
    from mcast_tui.wire.address import parse_network

    async with node_on(lab.host(1), ranges=(parse_network("192.168.10.3/32"),)) as node:
        with socat(lab.host(2), "UDP4-RECVFROM:7000", "SYSTEM:read line; echo got $line"):
            await node.send(parse_endpoint("192.168.10.2:7000"), b"psst\n", SendOptions())
            [answer] = await packets(node, 1)
        async with asyncio.timeout(PATIENCE_S):
            while node.sample(1.0).refused != 1:  # the tally follows the ring by a moment
                await asyncio.sleep(0)
    assert answer.refused


async def test_a_broadcast_address_is_refused_on_an_interface_of_another_network(make_lab) -> None:
    lab = make_lab(1, lans=2)
    async with node_on(lab.host(1)) as node:
        with pytest.raises(UsageError, match="another network than eth0"):
            await node.join(parse_endpoint("192.168.11.255%eth0:5000"))


async def test_a_thousand_groups_are_joined_and_left_with_one_look_at_the_interfaces(lab: Lab) -> None:
    async with node_on(lab.host(1)) as node:
        groups = await node.join(parse_endpoint("239.5.0.0%eth0:5000+999"))
        views = read_views(node.groups)
    assert len(groups) == 1000
    assert all(view is not None for view in views.values())
