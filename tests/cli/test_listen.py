"""``mcast-tui listen`` against the real socat: what it prints is what was on the wire."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mcast_tui.capture.ring import PacketRing
from mcast_tui.cli.commands.listen import AT_ONCE, _Printer
from mcast_tui.cli.packet_format import packet_as_text
from mcast_tui.wire.columns import empty_columns, packet_from_row
from tests.cli.commands import COMMAND, lines, run_on, started, wait_lines
from tests.peers import Program, socat, socat_peer, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab
    from mcast_tui.wire.columns import Columns, Packet

CHAT = "224.1.0.1%eth0:6666"


def test_the_json_of_each_packet_equals_what_tcpdump_saw(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", CHAT, "--json") as listener,
        tcpdump_on(host1) as wire,
        socat_peer(host2) as peer,
    ):
        peer.say("hello, lan")
        [line] = wait_lines(listener, 1)
        [seen] = wire.packets(1)
    record = json.loads(line)
    assert record["schema"] == 1
    assert (record["source"], record["source_port"]) == (str(seen.source), seen.source_port)
    assert (record["destination"], record["destination_port"]) == (
        str(seen.destination),
        seen.destination_port,
    )
    assert (record["hop_limit"], record["length"]) == (seen.hop_limit, seen.length)
    assert bytes.fromhex(record["payload_hex"]) == seen.payload
    assert record["text"] == "hello, lan\n"
    assert (record["addressed"], record["interface"], record["local_address"]) == (
        "multicast",
        "eth0",
        "192.168.10.1",
    )
    assert record["kernel_time"]
    assert not record["own"]


def test_multicast_broadcast_and_unicast_are_told_apart(host1: Host, host2: Host) -> None:
    with started(host1, "listen", CHAT, "--json") as listener:
        ways = ("224.1.0.1:6666", "192.168.10.1:6666", "192.168.10.255:6666", "255.255.255.255:6666")
        for count, address in enumerate(ways, start=1):
            with socat(host2, "-u", "STDIO", f"UDP4-DATAGRAM:{address},broadcast") as peer:
                peer.say("x")
                wait_lines(listener, count)
        said = [json.loads(line) for line in lines(listener.output)]
    assert [record["addressed"] for record in said] == ["multicast", "unicast", "broadcast", "broadcast"]


def test_text_shows_each_packet_on_one_line_whatever_it_holds(host1: Host, host2: Host) -> None:
    with started(host1, "listen", CHAT) as listener, socat_peer(host2) as peer:
        peer.write(b"\x1b]0;pwned\x07 [bold]x[/bold]\r\nsecond\x00line\n")
        [line] = wait_lines(listener, 1)
    assert "192.168.10.2:6666" in line
    assert "224.1.0.1:6666" in line
    assert line.isprintable()


def test_json_is_ascii_so_that_nothing_acts_on_a_terminal(host1: Host, host2: Host) -> None:
    with started(host1, "listen", CHAT, "--json") as listener, socat_peer(host2) as peer:
        peer.write("\x9b31m \u202e über\n".encode())
        wait_lines(listener, 1)
        assert listener.output.data.isascii()
        assert json.loads(listener.output.data)["text"] == "\x9b31m \u202e über\n"


def test_a_count_ends_it_with_success(host1: Host, host2: Host) -> None:
    with started(host1, "listen", CHAT, "-c", "1") as listener, socat_peer(host2) as peer:
        peer.say("one")
        assert listener.process.wait(timeout=10) == 0
        assert len(lines(listener.output)) == 1


def test_nothing_heard_until_the_timeout_is_status_1(host1: Host) -> None:
    done = run_on(host1, "listen", CHAT, "-t", "0.3")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "0 packets printed" in done.stderr


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_with_its_status_and_leaves_the_group(host1: Host, number: int, status: int) -> None:
    with started(host1, "listen", CHAT) as listener:
        assert "010001E0" in host1.run(["cat", "/proc/thread-self/net/igmp"]).stdout
        listener.process.send_signal(number)
        assert listener.process.wait(timeout=10) == status
        assert b"Traceback" not in listener.errors.data
    assert "010001E0" not in host1.run(["cat", "/proc/thread-self/net/igmp"]).stdout


def test_what_is_ignored_when_it_starts_does_not_end_it(host1: Host, host2: Host) -> None:
    with Program(host1, ["nohup", *COMMAND, "listen", CHAT, "-c", "1"]) as listener:
        listener.errors.wait(lambda: b"listening to" in listener.errors.data, "listening")
        listener.process.send_signal(signal.SIGHUP)
        run_on(host2, "send", CHAT, "still here")
        assert listener.process.wait(timeout=10) == 0
        assert b"still here" in listener.output.data


def test_a_terminal_that_has_no_such_letter_gets_its_number(host1: Host, host2: Host) -> None:
    ascii_only = ["env", "PYTHONIOENCODING=ascii", *COMMAND, "listen", CHAT, "-c", "1"]
    with Program(host1, ascii_only) as listener:
        listener.errors.wait(lambda: b"listening to" in listener.errors.data, "listening")
        run_on(host2, "send", CHAT, "grüße")
        assert listener.process.wait(timeout=10) == 0
        [line] = wait_lines(listener, 1)
    assert r"gr\xfc\xdfe" in line


def test_an_interface_whose_name_is_no_text_is_heard_of_and_shown_safely(host1: Host, host2: Host) -> None:
    host1.run(["ip", "link", "add", b"\xff\x1b[31m", "type", "veth", "peer", "name", "other"])
    host1.run(["ip", "link", "set", b"\xff\x1b[31m", "up"])
    with started(host1, "listen", CHAT) as listener, socat_peer(host2) as peer:
        peer.say("hello")
        [line] = wait_lines(listener, 1)
    assert "hello" in line
    packet = replace(one_packet(), ifindex=7)
    assert " ·␛[31m " in packet_as_text(packet, {7: "\udcff\x1b[31m"}.get)


def zero_columns(rows: int) -> Columns:
    return {name: np.zeros_like(column) for name, column in empty_columns(rows).items()}


def test_a_packet_printed_without_its_payload_counts_as_evicted(capsys: pytest.CaptureFixture[str]) -> None:
    ring = PacketRing(1024, 1 << 17)
    rows = zero_columns(100)
    rows["length"][:] = 4096
    ring.append(rows, np.zeros((100, 4096), "u1"))
    printer = _Printer(packet_as_text, None, show_refused=False)
    printer.print_until(SimpleNamespace(ring=ring, interfaces=()), 100)
    said = capsys.readouterr().out
    assert printer.printed == 100
    assert printer.evicted == said.count("(payload evicted)") == 100 - (1 << 17) // 4096


def one_packet() -> Packet:
    return packet_from_row(0, zero_columns(1), 0, b"x")


def test_a_backlog_is_printed_in_pieces_and_the_evicted_are_counted_not_visited(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ring = PacketRing(1024, 1 << 17)
    for _ in range(30):
        ring.append(zero_columns(100), np.zeros((100, 32), "u1"))
    node = SimpleNamespace(ring=ring, interfaces=())
    printer = _Printer(lambda packet, _: str(packet.number), None, show_refused=False)
    printer.print_until(node, 500)
    assert (printer.evicted, printer.printed) == (3000 - 1024, 0)
    printer.print_until(node, 2100)
    printer.print_until(node, 3000)
    assert capsys.readouterr().out.split() == [str(number) for number in range(3000 - 1024, 3000)]


async def test_a_backlog_lets_others_run_between_its_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    ring = PacketRing(4096, 1 << 17)
    ring.append(zero_columns(3 * AT_ONCE), np.zeros((3 * AT_ONCE, 32), "u1"))

    async def there_is_more(_: int) -> int:
        return ring.head

    node = SimpleNamespace(ring=ring, interfaces=(), wait_beyond=there_is_more)
    printer = _Printer(lambda packet, _: str(packet.number), 3 * AT_ONCE, show_refused=False)
    following = asyncio.create_task(printer.follow(node))
    await asyncio.sleep(0)
    assert printer.printed == AT_ONCE
    await following
    assert len(capsys.readouterr().out.split()) == 3 * AT_ONCE


def test_refused_sources_are_counted_and_shown_on_request(lab: Lab) -> None:
    host1 = lab.host(1)
    with (
        started(host1, "listen", CHAT, "--range", "192.168.10.3/32") as plain,
        started(host1, "listen", CHAT, "--range", "192.168.10.3/32", "--show-refused") as showing,
        socat_peer(lab.host(2)) as two,
        socat_peer(lab.host(3)) as three,
    ):
        two.say("from outside")
        wait_lines(showing, 1)
        three.say("from inside")
        [inside] = wait_lines(plain, 1)
        both = wait_lines(showing, 2)
        plain.process.send_signal(signal.SIGINT)
        plain.errors.wait(lambda: b"refused" in plain.errors.data, "the count")
        assert b"1 refused" in plain.errors.data
    assert "from inside" in inside
    assert "[refused]" in both[0]


def test_a_source_port_that_does_not_match_is_refused(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", CHAT, "--source-port", "6666", "-c", "1") as listener,
        socat(host2, "-u", "STDIO", "UDP4-DATAGRAM:224.1.0.1:6666,bind=:7777") as other,
        socat_peer(host2) as peer,
    ):
        other.say("from 7777")
        peer.say("from 6666")
        assert listener.process.wait(timeout=10) == 0
        assert "from 6666" in lines(listener.output)[0]


def test_ipv6_is_heard_as_ipv4_is(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", "[ff02::4d43%eth0]:6666", "--json") as listener,
        socat_peer(host2, "ff02::4d43") as peer,
    ):
        peer.say("six")
        record = json.loads(wait_lines(listener, 1)[0])
    assert (record["destination"], record["hop_limit"], record["text"]) == ("ff02::4d43", 1, "six\n")
    assert record["source"].startswith("fe80::")


def test_the_kernels_answer_to_the_join_is_told(host1: Host) -> None:
    with started(host1, "listen", CHAT) as listener:
        assert b"users 1" in listener.errors.data
        assert b"/proc/net/igmp" in listener.errors.data
