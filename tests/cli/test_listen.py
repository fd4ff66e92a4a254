"""``mcast-tui listen`` against the real socat: what it prints is what was on the wire."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import COMMAND, lines, main_on, run_on, started, wait_lines
from tests.peers import Program, socat, socat_peer, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

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
        assert listener.ended() == 0
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
        assert listener.ended() == status
        assert b"Traceback" not in listener.errors.data
    assert "010001E0" not in host1.run(["cat", "/proc/thread-self/net/igmp"]).stdout


def test_what_is_ignored_when_it_starts_does_not_end_it(host1: Host, host2: Host) -> None:
    with Program(host1, ["nohup", *COMMAND, "listen", CHAT, "-c", "1"]) as listener:
        listener.errors.wait(lambda: b"listening to" in listener.errors.data, "listening")
        listener.process.send_signal(signal.SIGHUP)
        main_on(host2, "send", CHAT, "still here")
        assert listener.ended() == 0
        assert b"still here" in listener.output.data


def test_a_terminal_that_has_no_such_letter_gets_its_number(host1: Host, host2: Host) -> None:
    ascii_only = ["env", "PYTHONIOENCODING=ascii", *COMMAND, "listen", CHAT, "-c", "1"]
    with Program(host1, ascii_only) as listener:
        listener.errors.wait(lambda: b"listening to" in listener.errors.data, "listening")
        main_on(host2, "send", CHAT, "grüße")
        assert listener.ended() == 0
        [line] = wait_lines(listener, 1)
    assert r"gr\xfc\xdfe" in line


@pytest.mark.own_lab
def test_an_interface_whose_name_is_no_text_is_heard_of_and_shown_safely(host1: Host, host2: Host) -> None:
    host1.run(["ip", "link", "add", b"\xff\x1b[31m", "type", "veth", "peer", "name", "other"])
    host1.run(["ip", "link", "set", b"\xff\x1b[31m", "up"])
    with started(host1, "listen", CHAT) as listener, socat_peer(host2) as peer:
        peer.say("hello")
        [line] = wait_lines(listener, 1)
    assert "hello" in line


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
        assert listener.ended() == 0
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


@pytest.mark.parametrize("group", ["224.0.0.1%eth0", "[ff02::1%eth0]"])
def test_the_group_of_all_hosts_is_said_to_be_permanent(host1: Host, group: str) -> None:
    with started(host1, "listen", group, until="permanent") as listener:
        assert b"none can leave" in listener.errors.data
