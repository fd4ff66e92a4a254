"""The demo's inhabitants speak real formats from their own hosts, at their rate, and end with us."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Address
from itertools import islice, pairwise

import pytest

from mcast_tui.services.lab.bots.broadcaster import Broadcaster
from mcast_tui.services.lab.bots.mdns import MdnsAnnouncer
from mcast_tui.services.lab.bots.person import OPENING, Person
from mcast_tui.services.lab.bots.ssdp import SsdpAnnouncer
from mcast_tui.services.lab.bots.stream import Stream
from mcast_tui.services.lab.bots.vandal import PAYLOADS, Vandal
from mcast_tui.services.lab.namespace import python_command
from tests.peers import PATIENCE_S, requires, socat_peer, tcpdump_on

needs_programs = requires("socat", "tcpdump", "tshark")


def start_bot(name, host, *options):
    """Start a bot on a host, as the demo does."""
    script = "from mcast_tui.services.lab.bots.__main__ import main; main()"
    where = ("--address", str(host.address4), "--interface", host.interface)
    return host.popen(python_command(script, name, *where, *options), stdin=subprocess.PIPE)


@needs_programs
def test_the_printer_announces_itself_in_mdns_that_tshark_reads(lab, host1, host2):
    with tcpdump_on(host1, "udp port 5353") as wire:
        start_bot("mdns", host2)
        packet, *_ = wire.packets(2)
        names = ("dns.flags.response", "dns.ptr.domain_name", "dns.srv.target", "dns.a", "_ws.malformed")
        decoded = wire.fields(*names, only="mdns")
    assert decoded[0] == ("1", "Office Printer._ipp._tcp.local", "printer.local", "192.168.10.2", "")
    assert packet.source == IPv4Address("192.168.10.2")
    assert packet.destination == IPv4Address("224.0.0.251")
    assert (packet.source_port, packet.destination_port, packet.hop_limit) == (5353, 5353, 255)


@needs_programs
def test_the_media_server_notifies_in_ssdp_that_tshark_reads(lab, host1, host3):
    with tcpdump_on(host1, "udp port 1900") as wire:
        start_bot("ssdp", host3)
        packets = wire.packets(3)
        decoded = wire.fields("http.request.method", "http.host", "ip.ttl", only="ssdp")
    assert decoded[:3] == [("NOTIFY", "239.255.255.250:1900", "2")] * 3
    assert all(b"LOCATION: http://192.168.10.3:8200/" in packet.payload for packet in packets)


@needs_programs
def test_the_stream_is_rtp_without_a_gap_and_no_faster_than_it_may(lab, host1, host3):
    with tcpdump_on(host1, "udp port 5004") as wire:
        start_bot("stream", host3, "--seed", "1")
        rows = wire.fields(
            "rtp.seq", "rtp.timestamp", "rtp.p_type", "rtp.ssrc", "udp.length", "frame.time_epoch",
            only="rtp", at_least=100, decode_as="udp.port==5004,rtp",
        )  # fmt: skip
    sequence = [int(row[0]) for row in rows]
    assert all((later - earlier) % 65536 == 1 for earlier, later in pairwise(sequence))
    stamps = [int(row[1]) for row in rows]
    assert all((later - earlier) % 2**32 == 240 for earlier, later in pairwise(stamps))
    assert {row[2:5] for row in rows} == {("96", rows[0][3], str(8 + 12 + 480))}
    assert float(rows[-1][5]) - float(rows[0][5]) >= (len(rows) - 1) / Stream.manner.maximum_rate * 0.99


@needs_programs
def test_the_broadcaster_reaches_a_broadcast_peer(lab, host1, host3):
    with socat_peer(host1, "broadcast") as peer, tcpdump_on(host1) as wire:
        start_bot("broadcaster", host3)
        assert peer.hears("backup of host3: started")
        packet, *_ = wire.packets(1)
    assert packet.destination == IPv4Address("255.255.255.255")


@needs_programs
def test_the_vandal_sends_its_bytes_raw(lab, host1, host2):
    with tcpdump_on(host1) as wire:
        start_bot("vandal", host2)
        packet, *_ = wire.packets(1)
    assert packet.payload == PAYLOADS[0]
    assert b"\x1b[2J" in packet.payload


@needs_programs
def test_the_person_says_hello_and_answers_a_question(lab, host1, host2):
    with socat_peer(host1) as peer:
        start_bot("person", host2, "--seed", "1")
        assert peer.hears(OPENING)
        peer.say("who are you?")
        assert peer.hears("mia", times=2)  # the opening has the name too


def test_the_person_answers_people_and_leaves_vandals_alone():
    person = Person(seed=1)
    pause, reply = person.answer(b"hello there\n")
    assert 1 <= pause <= 3
    assert reply.endswith(b"\n")
    assert [payload for payload in PAYLOADS if person.answer(payload) is not None] == []
    assert person.answer(b"") is None


def test_with_a_seed_a_bot_says_the_same_every_time():
    for bot in (Person, Stream):
        first, second, other = (list(islice(bot(seed).talk(), 20)) for seed in (7, 7, 8))
        assert first == second
        assert first != other


@pytest.mark.parametrize(
    "bot",
    [Person(1), Stream(1), MdnsAnnouncer("10.0.0.1"), SsdpAnnouncer("10.0.0.1"), Broadcaster(), Vandal()],
)
def test_no_bot_wants_to_speak_faster_than_it_may(bot):
    pauses = [pause for pause, _ in islice(bot.talk(), 100)]
    assert min(pauses) >= 1 / bot.manner.maximum_rate
    assert all(payload for _, payload in islice(bot.talk(), 100))


@pytest.mark.parametrize("name", ["person", "stream", "vandal"])
def test_a_bot_ends_when_its_standard_input_does(lab, host1, name):
    bot = start_bot(name, host1)
    bot.stdin.close()
    assert bot.wait(PATIENCE_S) == 0


@needs_programs
def test_a_bot_outlives_a_pulled_cable(lab, host1, host2):
    with tcpdump_on(host1, "udp port 5004") as wire:
        start_bot("stream", host2)
        before = len(wire.packets(10))
        host2.run(["ip", "link", "set", "eth0", "down"])
        host2.run(["ip", "link", "set", "eth0", "up"])
        host2.run(["ip", "route", "add", "224.0.0.0/4", "dev", "eth0"])
        assert len(wire.packets(before + 50)) >= before + 50
