"""IGMP and MLD of every malformed kind from another host, while the app listens to the wire and shows it.

A hostile host writes whole frames: sound messages with octets, counts and lengths changed, cut, prolonged,
fragmented, tagged, with checksums right or wrong, and octets that are no message at all. All that the app
may write to the terminal are its own forms of control, and afterwards it does what it is told.
"""

from __future__ import annotations

import json
import random
import signal
import socket
import struct
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from mcast_tui.wire.membership.heard import hear
from mcast_tui.wire.membership.message import GroupReport, Heard, Protocol, Refused
from tests.app.test_endings import END_OF_LINE, go_to_input, open_on
from tests.app.test_terminal import quit_clean
from tests.cli.commands import started
from tests.peers import wait_until
from tests.wire.igmp_cases import EVERY_MESSAGE as EVERY_IGMP
from tests.wire.membership_frames import MAC, body_of, frame_of, igmp_packet, mld_packet, packet_of
from tests.wire.mld_cases import EVERY_MESSAGE as EVERY_MLD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcast_tui.services.lab.host import Host
    from tests.peers import Program
    from tests.pty_app import PtyApp

FRAMES, BATCH = 4_000, 200
"""The app decodes 256 at each look and counts the rest: all of a batch are looked at."""
OWN_FORMS = frozenset({"\x1b[Nm", "\x1b[NH", "\r", "\n"})
"""What of its own may come out here; `tests.app.test_terminal` looks for it in every place."""
HEADERS = {4: ("01005e000016", 0x0800), 6: ("333300000016", 0x86DD)}


def hostile_packets(count: int, seed: int) -> Iterator[bytes]:
    """Yield IP packets that are, or nearly are, or pretend to be, membership messages."""
    chance = random.Random(seed)
    for _ in range(count):
        message = chance.choice((*EVERY_IGMP, *EVERY_MLD))
        write = igmp_packet if message.protocol.family == 4 else mld_packet
        body = bytearray(body_of(message, auxiliary=chance.randbytes(4 * chance.choice((0, 0, 1, 9)))))
        options = {"good": chance.random() < 0.8}
        match chance.randrange(9):
            case 0 | 1:
                _change(body, chance)
            case 2:  # how many records or sources there are, and how long they are
                at = chance.choice((6, 9, 10, 24, 25, 26)) % (len(body) - 1)
                body[at : at + 2] = struct.pack("!H", chance.choice((0xFFFF, 0x8000, len(body), 1)))
            case 3:
                del body[chance.randrange(1, len(body)) :]
            case 4:
                body += chance.randbytes(chance.randrange(1, 1000))
            case 5:
                body[1:] = chance.randbytes(chance.randrange(3, 200))
            case 6 if message.protocol.family == 4:
                options |= {"fragment": chance.choice((0x2000, 0x0001, 0x1FFF, 0x3001))}
            case 6 | 7:
                length = 8 * chance.randrange(1, 4) + (0 if message.protocol.family == 4 else 6)
                options |= {"options": chance.randbytes(length)}
        packet = bytearray(write(bytes(body), **options))
        if chance.random() < 0.2:
            _change(packet, chance)
        yield bytes(packet if chance.random() < 0.9 else packet[: chance.randrange(1, len(packet))])


def _change(octets: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        octets[chance.randrange(len(octets))] = chance.randrange(256)


def send_frames(host: Host, packets: list[bytes], chance: random.Random) -> None:
    """Write each to the cable, to the MAC address where its kind is listened for; some with a VLAN tag."""
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
        cable.bind((host.interface, 0))
        for packet in packets:
            to, kind = HEADERS[6 if packet[0] >> 4 == 6 else 4]
            tag = struct.pack("!HH", 0x8100, chance.randrange(1 << 16)) if chance.random() < 0.1 else b""
            cable.send(bytes.fromhex(to) + MAC + tag + struct.pack("!H", kind) + packet)


def sound_report(number: int) -> tuple[bytes, bytes]:
    """Return a report, and as text the group it is of."""
    group = IPv4Address("239.77.0.0") + number
    return packet_of(GroupReport(Protocol.IGMPV2, group), destination=group), str(group).encode()


def until_read(app: PtyApp, host: Host, number: int) -> None:
    """Send a sound report until the app shows it: it has read all that came before."""
    report, group = sound_report(number)

    since = len(app.written)

    def is_shown() -> bool:
        send_frames(host, [report], random.Random(0))
        return group in app.since(since)

    app.until(is_shown, f"the report of {group.decode()}")


def until_printed(watch: Program, host: Host, number: int) -> None:
    """Send a sound report until a command prints it: it has read all that came before."""
    report, group = sound_report(number)

    def is_printed() -> bool:
        send_frames(host, [report], random.Random(0))
        return group in watch.output.data

    wait_until(is_printed, f"the report of {group.decode()}")


def test_malformed_messages_of_every_kind_do_no_harm(host1: Host, host2: Host) -> None:
    hostile = list(hostile_packets(FRAMES, seed=4))
    read = [hear(frame_of(packet)) for packet in hostile]
    refused = {each.reason for each in read if isinstance(each, Refused)}
    sound = {(type(each.message), each.message.protocol) for each in read if isinstance(each, Heard)}
    assert len(refused) >= 18
    assert sound == {(type(each), each.protocol) for each in (*EVERY_IGMP, *EVERY_MLD)}

    chance = random.Random(5)
    with open_on(host1, size=(170, 50)) as app:
        since = len(app.written)
        app.type("4")
        app.until_shown("TIMELINE", "QUERIERS")
        for start in range(0, FRAMES, BATCH):
            send_frames(host2, hostile[start : start + BATCH], chance)
            until_read(app, host2, start)
        app.type("\t")  # into the timeline
        for _ in range(20):
            app.type("k\r\r")  # what is known of an entry
        app.type(END_OF_LINE)  # follow again
        until_read(app, host2, FRAMES)
        go_to_input(app)
        app.enter("/join 239.1.1.1")
        app.until_shown("239.1.1.1:6666")
        quit_clean(app, since, OWN_FORMS)


def test_a_watch_without_a_screen_outlives_them_and_prints_lines_of_text_only(
    host1: Host, host2: Host, tmp_path: Path
) -> None:
    hostile, chance = list(hostile_packets(FRAMES, seed=6)), random.Random(7)
    events = tmp_path / "events"
    options = ("--tap", "--events", str(events))
    with started(host1, "groups", "--watch", *options, until="listening to the wire") as watch:
        for start in range(0, FRAMES, BATCH):
            send_frames(host2, hostile[start : start + BATCH], chance)
            until_printed(watch, host2, start)
        watch.process.send_signal(signal.SIGINT)
        assert watch.ended() == 130
        printed = (watch.output.data + watch.errors.data).decode()
    assert "Traceback" not in printed
    assert all(char == "\n" or char.isprintable() for char in printed)
    kinds = {json.loads(line)["event"] for line in events.read_text().splitlines()}
    assert {"join", "query", "querier", "alarm"} <= kinds
