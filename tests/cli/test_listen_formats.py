"""``listen``: what each format prints is what was on the wire, whoever sent it and however."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.main import main
from tests.cli.commands import lines, main_on, run_on, started, wait_lines
from tests.peers import socat, socat_peer, tcpdump_on
from tests.pty_app import PtyApp

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = "224.1.0.1%eth0:6666"
SSM, SSM6 = "232.1.1.1", "ff3e::4d43"
BINARY = bytes(range(256)) + b"\r\n\x1b[2J"


def test_a_hex_dump_holds_the_bytes_that_were_on_the_wire(host1: Host, host2: Host) -> None:
    with started(host1, "listen", CHAT, "--hex") as listener, tcpdump_on(host1) as wire:
        with socat_peer(host2) as peer:
            peer.write(BINARY)
            said = wait_lines(listener, 1 + -(-len(BINARY) // 16))
        [seen] = wire.packets(1)
    assert "192.168.10.2:6666" in said[0]
    dumped = "".join(row[2:].split("  ", 1)[1][: 16 * 3].replace(" ", "") for row in said[1:])
    assert bytes.fromhex(dumped) == seen.payload == BINARY
    assert all(line.isprintable() for line in said)


def test_raw_payloads_are_the_bytes_of_the_wire_and_nothing_else(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", CHAT, "--raw-payload") as listener,
        tcpdump_on(host1) as wire,
        socat_peer(host2) as peer,
    ):
        for count, payload in enumerate((b"one", BINARY, b"\x00"), 1):
            peer.write(payload)
            seen = wire.packets(count)  # one datagram a write
        whole = b"".join(packet.payload for packet in seen)
        listener.output.wait(lambda: len(listener.output.data) >= len(whole), "all bytes")
    assert listener.output.data == whole == b"one" + BINARY + b"\x00"


def test_fields_are_printed_in_the_order_asked_for(host1: Host, host2: Host) -> None:
    chosen = ("text", "source", "number", "source_port")
    with (
        started(host1, "listen", CHAT, "--fields", ",".join(chosen)) as words,
        started(host1, "listen", CHAT, "--json", "--fields", ",".join(chosen)) as objects,
        socat_peer(host2) as peer,
    ):
        peer.say("a\tb")
        [line] = wait_lines(words, 1)
        [record] = wait_lines(objects, 1)
    assert line == "a␉b\t192.168.10.2\t1\t6666"
    assert list(json.loads(record).items()) == list(
        zip(chosen, ("a\tb\n", "192.168.10.2", 1, 6666), strict=True)
    )


def test_several_endpoints_are_heard_at_once(host1: Host, host2: Host) -> None:
    endpoints = (CHAT, "239.9.9.9%eth0:7777", "broadcast%eth0:8888", "[ff02::4d43%eth0]:9999")
    with started(host1, "listen", *endpoints, "--json", until="9999") as listener:
        for count, endpoint in enumerate(endpoints, 1):
            main_on(host2, "send", endpoint, f"number {count}")
            wait_lines(listener, count)
        said = [json.loads(line) for line in lines(listener.output)]
    assert [record["destination_port"] for record in said] == [6666, 7777, 8888, 9999]
    assert [record["text"] for record in said] == [f"number {count}\n" for count in range(1, 5)]


def test_it_receives_all_there_is_on_the_port_and_never_answers(host1: Host, host2: Host) -> None:
    ways = ("224.1.0.1:6666", "192.168.10.1:6666", "192.168.10.255:6666")
    with (
        started(host1, "listen", CHAT, "--fields", "addressed") as listener,
        tcpdump_on(host2, "udp or icmp") as wire,
    ):
        for count, address in enumerate(ways, 1):
            with socat(host2, "-u", "STDIO", f"UDP4-DATAGRAM:{address},broadcast") as peer:
                peer.say("anybody?")
                wait_lines(listener, count)
        senders = wire.fields("ip.src", at_least=len(ways))
    assert lines(listener.output) == ["multicast", "unicast", "broadcast"]
    assert senders == [("192.168.10.2",)] * len(ways)


@pytest.mark.parametrize(
    ("group", "endpoint", "sources"),
    [
        (SSM, f"{SSM}%eth0:6666", ("192.168.10.2", "192.168.10.1")),
        (SSM6, f"[{SSM6}%eth0]:6666", ("fd00:10::2", "fd00:10::1")),
    ],
)
def test_only_the_sources_named_are_heard(
    lab: Lab, group: str, endpoint: str, sources: tuple[str, str]
) -> None:
    hit, other = sources
    host1 = lab.host(1)
    asked = ("--source", hit, "--source", other)
    with (
        started(host1, "listen", endpoint, *asked, "--json", until=f"{other},") as listener,
        tcpdump_on(host1) as wire,
    ):
        main_on(lab.host(3), "send", endpoint, "from a source nobody asked for")
        wire.packets(1)
        main_on(lab.host(2), "send", endpoint, "from two")
        [line] = wait_lines(listener, 1)
        destinations = {str(packet.destination) for packet in wire.packets(2)}
    record = json.loads(line)
    assert destinations == {group}
    assert (record["text"], record["source"]) == ("from two\n", hit)


def test_a_source_in_the_endpoint_goes_before_the_option(host1: Host) -> None:
    endpoints = (f"192.168.10.3,{SSM}%eth0:6666", "232.2.2.2%eth0:6666")
    done = run_on(host1, "listen", *endpoints, "--source", "192.168.10.2", "-t", "0.1")
    assert f"listening to 192.168.10.3,{SSM}:6666 on eth0" in done.stderr
    assert "listening to 192.168.10.2,232.2.2.2:6666 on eth0" in done.stderr


def test_what_this_host_sent_is_marked_or_left_out(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", CHAT) as all_of_it,
        started(host1, "listen", CHAT, "--json") as objects,
        started(host1, "listen", CHAT, "--no-own") as others,
    ):
        main_on(host1, "send", CHAT, "mine")
        wait_lines(all_of_it, 1)
        wait_lines(objects, 1)
        main_on(host2, "send", CHAT, "theirs")
        marked = wait_lines(all_of_it, 2)
        own = [json.loads(line)["own"] for line in wait_lines(objects, 2)]
        [line] = wait_lines(others, 1)
    assert "[own] mine" in marked[0]
    assert "[own]" not in marked[1]
    assert own == [True, False]
    assert "theirs" in line


def test_an_endpoint_in_socats_words_is_heard_on_its_terms(lab: Lab) -> None:
    address = "UDP4-RECV:6666,ip-add-membership=224.1.0.1:eth0,range=192.168.10.2/32"
    with (
        started(lab.host(1), "listen", address, "--fields", "text,refused", "--show-refused") as listener,
        socat_peer(lab.host(2)) as two,
        socat_peer(lab.host(3)) as three,
    ):
        three.say("three")
        wait_lines(listener, 1)
        two.say("two")
        assert wait_lines(listener, 2) == ["three\ttrue", "two\tfalse"]


def test_the_line_that_does_the_same_in_socats_words_hears_the_same(host1: Host, host2: Host) -> None:
    said = run_on(host1, "listen", CHAT, "--print-socat")
    [own, _] = [line for line in said.stdout.splitlines() if not line.startswith("#")]
    with socat(host1, *shlex.split(own)[1:]) as listener, socat_peer(host2) as peer:
        peer.say("heard by socat")
        assert listener.hears("heard by socat")


def test_raw_ip_shows_its_protocol_and_no_ports(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", "224.1.0.1%eth0", "--raw", "253", "--json") as listener,
        socat(host2, "-u", "STDIO", "IP4-DATAGRAM:224.1.0.1:253") as peer,
    ):
        peer.say("raw")
        record = json.loads(wait_lines(listener, 1)[0])
    assert (record["protocol"], record["source_port"], record["destination_port"]) == (253, None, None)
    assert (record["source"], record["text"]) == ("192.168.10.2", "raw\n")


def test_a_terminal_gets_colour_unless_it_or_its_owner_wants_none(host1: Host, host2: Host) -> None:
    with (
        PtyApp(host1, "listen", CHAT) as colourful,
        PtyApp(host1, "listen", CHAT, NO_COLOR="1") as plain,
        PtyApp(host1, "listen", CHAT, TERM="dumb") as dumb,
        started(host1, "listen", CHAT) as pipe,
        socat_peer(host2) as peer,
    ):
        terminals = (colourful, plain, dumb)
        for terminal in terminals:
            terminal.until_shown("listening to")
        peer.write(b"\x1b]0;pwned\x07 hello")
        for terminal in terminals:
            terminal.until_shown("hello")
        [line] = wait_lines(pipe, 1)
        assert b"\x1b[36m192.168.10.2:6666" in colourful.since()
        assert b"\x1b[32mmulticast" in colourful.since()
        assert [b"\x1b[" in terminal.since() for terminal in terminals] == [True, False, False]
        assert not any(b"\x1b]" in terminal.since() for terminal in terminals)
    assert line.isprintable()


def test_payloads_as_they_are_go_to_a_terminal_only_when_insisted(host1: Host, host2: Host) -> None:
    with PtyApp(host1, "listen", CHAT, "--raw-payload") as terminal:
        assert terminal.ended() == 2
        assert "--force" in terminal.text
    with PtyApp(host1, "listen", CHAT, "--raw-payload", "--force") as terminal:
        terminal.until_shown("listening to")
        main_on(host2, "send", CHAT, "\x1b]0;title\x07")
        terminal.until_written(b"\x1b]0;title\x07")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--json", "--hex"], "Cannot print --json and --hex: each is a format of its own."),
        (["--hex", "--raw-payload"], "--hex and --raw-payload"),
        (["--hex", "--fields", "time"], "that format has no fields"),
        (["--raw-payload", "--fields", "time"], "that format has no fields"),
        (["--force"], "only with --raw-payload"),
        (["--fields", "sorce"], "Known: source, source_port, "),
        (["--fields", "time,"], "a name is missing"),
        (["--fields", "\x1b[31m"], "there is no field"),
        (["--fields", "time,time"], "'time' is named twice"),
        (["--count", "0"], "0 is not in the range"),
        (["--count", "x"], "not a valid integer"),
        (["--timeout", "0"], "0.0 is not in the range"),
        (["--timeout", "nan"], "no number of seconds"),
        (["--timeout", "inf"], "no number of seconds"),
        (["--source", "nowhere"], "Cannot read the source 'nowhere'"),
        (["--source", ""], "Cannot read the source ''"),
        (["--source", "224.1.0.1"], "224.1.0.1 is not the address of one host"),
        (["--source", "0.0.0.0"], "0.0.0.0 is not the address of one host"),
        (["--source", "fd00::1"], "no --source is an IPv4 address"),
        (["--source", "10.0.0.1", "--source", "fd00::1"], "Cannot hear only fd00::1"),
        (["--source", "10.0.0.1", "broadcast:1"], "a source goes with a group"),
        (["--range", "10.0.0.1/8"], "has bits set beyond /8"),
        (["--source-port", "0"], "0 is not in the range"),
        (["--raw", "256"], "256 is not in the range"),
        (["--colour"], "No such option"),
    ],
)
def test_bad_input_is_refused_with_a_word_on_what_would_be_right(
    arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", "239.1.2.3:6666", *arguments]) == 2
    told = capfd.readouterr()
    assert told.out == ""
    assert said in told.err
    assert told.err.replace("\n", "").isprintable()


def test_a_source_that_no_endpoint_takes_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "10.0.0.2,232.1.1.1:6666", "--source", "10.0.0.1"]) == 2
    assert "no group of its family among the endpoints" in capfd.readouterr().err
