"""The LAN of the classroom: what is changed on it happens, and its picture is what other programs see."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest

from mcast_tui.errors import McastError, NetworkRefused, UsageError
from mcast_tui.services.lab.classroom import actions
from mcast_tui.services.lab.classroom.live_lan import LanPlan, LiveLan, SwitchTimes
from mcast_tui.services.lab.classroom.parts import Member, Sender
from mcast_tui.services.lab.classroom.resident.member import MAXIMUM_HEARD
from mcast_tui.services.lab.classroom.runner import Runner
from mcast_tui.services.lab.classroom.scenario_file import read_scenario
from tests.peers import requires, socat_peer, tcpdump_on, wait_until

GROUP, SIX = IPv4Address("239.1.1.1"), IPv6Address("ff15::42")
STREAM, VIEWER = Sender("stream", 1, GROUP), Member("viewer", 2, GROUP)
QUICK = SwitchTimes(query_interval_s=1, response_s=0.5, membership_s=60)
EVERYTHING = """
title = "What else can be done to a LAN"
[lan]
hosts = 3
query_interval_s = 1
response_s = 0.5
[[sender]]
name = "stream"
host = 1
to = "239.1.1.1"
rate = 200
[[sender]]
name = "six"
host = 1
to = "ff15::42"
ttl = 7
[[member]]
name = "viewer"
host = 2
group = "239.1.1.1"
[[member]]
name = "witness"
host = 3
group = "239.1.1.1"
[[member]]
name = "viewer-six"
host = 2
group = "ff15::42"
[[step]]
title = "A cable is pulled"
do = ["join viewer", "join witness", "start stream", "cut 2"]
expect = [
    "viewer receives none of stream", "witness receives all of stream", "host 2 has 1 users of 239.1.1.1",
]
[[step]]
title = "It is plugged in"
do = ["plug 2"]
expect = ["viewer receives all of stream"]
[[step]]
title = "Everything to one host is lost"
do = ["lose 100 % to 2"]
expect = ["viewer receives none of stream", "witness receives all of stream"]
[[step]]
title = "Another part is lost"
do = ["lose 40 % to 2"]
expect = ["viewer receives some of stream", "witness receives all of stream"]
[[step]]
title = "Nothing is lost any more"
do = ["lose 0 % to 2"]
expect = ["viewer receives all of stream"]
[[step]]
title = "IPv6 is no different"
do = ["join viewer-six", "start six"]
expect = [
    "viewer-six receives all of six", "viewer-six hears six with ttl 7", "host 2 has 1 users of ff15::42",
]
[[step]]
title = "The switch queries, and both families are in its database"
do = ["snooping on", "querier on"]
expect = [
    "switch is the querier", "mdb has 239.1.1.1 at 2",
    "mdb has ff15::42 at 2", "mdb does not have ff15::42 at 3",
]
[[step]]
title = "A host is held to an old version, and let go"
do = ["igmp 2 on 2"]
expect = ["host 2 speaks igmp 2", "host 3 speaks igmp 3"]
[[step]]
title = "Free again"
do = ["igmp free on 2"]
expect = ["host 2 speaks igmp 3"]
[[step]]
title = "Nobody queries"
do = ["querier off", "wait 0.1"]
expect = ["switch hears no querier"]
"""


async def play(folder, text):
    """Play a described LAN; whatever it expects holds."""
    path = folder / "lan.toml"
    path.write_text(text)
    async with Runner(read_scenario(path)) as runner:
        while not runner.is_over:
            result = await runner.next()
            assert result.holds, (result.step.title, result.outcomes)


@pytest.fixture
def lan():
    """A LAN of three hosts with a quick switch that snoops and queries."""
    with LiveLan(LanPlan(snooping=True, querier=True, times=QUICK)) as lan:
        yield lan


async def test_cables_losses_versions_and_both_families_do_what_they_are_told(tmp_path):
    await play(tmp_path, EVERYTHING)


TWO_LANS = """
title = "Each LAN has its own switch"
[lan]
lans = [[1, 2], [2, 3]]
snooping = true
query_interval_s = 1
other_querier_s = 3
response_s = 0.5
[[step]]
title = "A router asks on the second"
do = ["query 3 every 1 on lan 1"]
expect = ["switch hears querier 3 on lan 1", "switch hears no querier", "switch hears no querier on lan 0"]
[[step]]
title = "Both switches ask, where nobody else does"
do = ["querier on"]
expect = ["switch is the querier", "switch hears querier 3 on lan 1"]
[[step]]
title = "Nobody else does"
do = ["hush 3"]
expect = ["switch is the querier on lan 1"]
"""


async def test_whom_a_switch_holds_for_the_querier_is_claimed_of_any_lan(tmp_path):
    await play(tmp_path, TWO_LANS)


@requires("ip", "bridge")
def test_the_picture_of_the_switch_is_what_iproute2_shows(lan):
    lan.join(VIEWER)
    lan.join(Member("picky", 3, IPv4Address("232.1.1.1"), source=IPv4Address("192.168.10.1")))
    lan.start(STREAM)

    def entries():
        return {
            (one.port, str(one.group), str(one.source) if one.source else None)
            for one in lan.picture().switches[0].entries
        }

    def shown():
        [table] = json.loads(lan.lab.switch.run(["bridge", "-j", "-d", "mdb"]).stdout)
        return {(row["port"], row["grp"], row.get("src")) for row in table["mdb"]}

    wait_until(lambda: ("lan0port2", "239.1.1.1", None) in entries(), "the member")
    wait_until(lambda: ("lan0port3", "232.1.1.1", "192.168.10.1") in entries(), "the member of one source")
    wait_until(lambda: entries() == shown(), "the same table")
    [of_source] = [one for one in lan.picture().switches[0].entries if one.source]
    assert 0 < of_source.left_s <= QUICK.membership_s  # told with (*,G), not with (S,G)
    wait_until(lambda: lan.picture().switches[0].querier_address, "the querier")
    before = lan.picture()
    links = json.loads(lan.lab.switch.run(["ip", "-s", "-d", "-j", "link"]).stdout)
    after = lan.picture()
    ports = {link["ifname"]: link["stats64"] for link in links}
    for early, late in zip(before.links, after.links, strict=True):
        told = ports[early.port]
        assert early.counters.bytes_out <= told["tx"]["bytes"] <= late.counters.bytes_out
        assert early.counters.packets_in <= told["rx"]["packets"] <= late.counters.packets_in
    assert after.links[0].counters.packets_in > 0
    [bridge] = [link["linkinfo"]["info_data"] for link in links if link["ifname"] == "br0"]
    switch = after.switches[0]
    assert (switch.snooping, switch.querier, switch.igmp_version) == (
        True,
        True,
        bridge["mcast_igmp_version"],
    )
    assert switch.query_interval_s == bridge["mcast_query_intvl"] / 100 == 1
    assert switch.membership_interval_s == bridge["mcast_membership_intvl"] / 100 == 60
    assert str(switch.querier_address) == "192.168.10.254"


@requires("tcpdump", "tshark")
@pytest.mark.parametrize("version", [2, 3])
def test_the_querier_of_a_host_asks_in_queries_that_tshark_reads(lan, version):
    with tcpdump_on(lan.lab.host(2), "igmp[0] = 0x11 and src host 192.168.10.1") as wire:
        lan.ask(1, interval_s=0.2, response_s=0.5, version=version)
        names = (
            "ip.dst",
            "ip.ttl",
            "ip.opt.ra",
            "igmp.version",
            "igmp.max_resp",
            "igmp.maddr",
            "_ws.malformed",
        )
        row, *_ = wire.fields(*names, at_least=2)
        checksums = wire.fields("igmp.checksum.status")
    assert row == ("224.0.0.1", "1", "0", str(version), "5", "0.0.0.0", "")
    assert {status for (status,) in checksums} == {"1"}
    wait_until(lambda: lan.picture().host(1).queries >= 2, "both counted")
    lan.stop_asking(1)
    assert lan.picture().host(1).queries is None


def listed(lan):
    """Return the ports and groups in the database of the switch."""
    return {(entry.port, entry.group) for entry in lan.picture().switches[0].entries}


@requires("socat")
def test_a_member_counts_what_other_programs_send_without_a_name(lan):
    lan.join(replace(VIEWER, port=6666))
    wait_until(lambda: ("lan0port2", GROUP) in listed(lan), "the switch to know of it")
    with socat_peer(lan.lab.host(1), str(GROUP)) as peer:
        peer.say("hello")
        wait_until(lambda: lan.picture().members["viewer"].heard, "a packet")
    [heard] = lan.picture().members["viewer"].heard
    assert (heard.sender, heard.source, heard.destination) == ("", "192.168.10.1", "239.1.1.1")
    assert (heard.received, heard.lost, heard.hop_limit) == (1, 0, 1)


def test_a_member_tells_so_many_senders_apart_and_counts_the_others_together(lan):
    lan.join(Member("listener", 2))
    with lan.lab.host(1).entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(MAXIMUM_HEARD + 5):
            sock.sendto(b"mcast-tui sender%d 0 " % number, ("192.168.10.2", VIEWER.port))
    wait_until(lambda: lan.picture().members["listener"].uncounted == 5, "the last packet")
    assert len(lan.picture().members["listener"].heard) == MAXIMUM_HEARD


def test_rates_are_those_between_two_pictures(lan):
    lan.start(STREAM)
    wait_until(lambda: lan.picture().senders["stream"].sent > 5, "the stream")
    before = lan.picture()

    def count(picture):
        return picture.link(1, 0).counters.packets_in - before.link(1, 0).counters.packets_in

    wait_until(lambda: count(lan.picture()) >= 20, "20 packets")
    now = lan.picture()
    rates, moved = now.rates_since(before)[1, 0], count(now)
    assert rates.packets_in == pytest.approx(moved / (now.taken_at - before.taken_at))


def test_settings_are_read_back_from_the_kernel_of_the_host(lan):
    lan.set_rp_filter(2, 2)
    lan.set_igmp_version(3, 1)
    hosts = lan.picture().hosts
    assert [host.settings["eth0"].rp_filter for host in hosts] == [0, 2, 0]
    assert [host.settings["eth0"].force_igmp_version for host in hosts] == [0, 0, 1]
    on_host = lan.lab.host(2).run(["cat", "/proc/sys/net/ipv4/conf/eth0/rp_filter"])
    assert on_host.stdout == "2\n"


def test_what_the_kernel_of_a_host_refuses_is_an_error_that_names_the_host(lan):
    with pytest.raises(NetworkRefused, match=r"Cannot send to 239.1.1.1 on host1: .*EADDRNOTAVAIL"):
        lan.start(replace(STREAM, source=IPv4Address("10.0.0.1")))
    assert lan.picture().senders == {}
    with pytest.raises(NetworkRefused, match=r"Cannot join \(\*,10.0.0.1\):5000 on host2: "):
        lan.join(replace(VIEWER, group=IPv4Address("10.0.0.1")))
    assert lan.picture().members == {}
    for action in (
        actions.Cut(9),
        actions.Lose(1, 5, 3),
        actions.StopAsking(0),
        actions.Join(Member("m", 4)),
    ):
        with pytest.raises(UsageError):
            action.perform(lan)


def test_a_lan_that_is_gone_says_so(lan):
    lan.close()
    with pytest.raises(McastError, match="taken down"):
        lan.picture()
    with pytest.raises(McastError, match="taken down"):
        lan.join(VIEWER)


def test_a_kernel_that_cannot_be_asked_is_an_error_of_ours(lan):
    lan._talks[0].close()
    with pytest.raises(NetworkRefused, match="EBADF"):
        lan.picture()
    with pytest.raises(NetworkRefused, match="EBADF"):
        lan.lose(1, 50)


async def test_a_lesson_that_is_called_off_while_its_lan_is_built_leaves_nothing(tmp_path):
    path = tmp_path / "everything.toml"
    path.write_text(EVERYTHING)
    built = []

    def build(plan):
        built.append(LiveLan(plan))
        return built[0]

    starting = asyncio.create_task(Runner(read_scenario(path), build).start())
    await asyncio.sleep(0)  # it has begun
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(McastError, match="taken down"):
        built[0].picture()
