"""``mcast-tui send`` with all its options, as tcpdump and socat on other hosts see what it does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.main import main
from tests.cli.commands import COMMAND, lines, main_on, run_on, started, wait_lines
from tests.peers import PATIENCE_S, Program, requires, socat, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = "224.1.0.1%eth0:6666"


@pytest.mark.own_lab
def test_source_tos_and_ttl_are_on_the_wire_as_told(host1: Host, host2: Host) -> None:
    host1.run(["ip", "address", "add", "192.168.10.77/24", "dev", "eth0"])
    asked = ["--bind", "192.168.10.77:7000", "--tos", "0xb8", "--ttl", "9", "--hex"]
    with tcpdump_on(host2) as wire:
        done = main_on(host1, "send", CHAT, "de ad 0a", *asked)
        [seen] = wire.packets(1)
    assert (str(seen.source), seen.source_port) == ("192.168.10.77", 7000)
    assert (seen.hop_limit, seen.traffic_class, seen.payload) == (9, 0xB8, b"\xde\xad\n")
    assert done.stderr == f"sent 3 bytes to {CHAT} from 192.168.10.77:7000 by eth0\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--ttl 0", "stays on this host, where only its members hear it"),
        ("--ttl 0 --no-loop", "--no-loop keeps it from those here: nobody hears it"),
        ("--ttl 1", None),
    ],
)
@pytest.mark.parametrize("verb", ["send", "query"])
@pytest.mark.parametrize(
    ("group", "limit"), [("224.1.0.1%eth0:6666", "TTL"), ("[ff15::42%eth0]:6666", "hop limit")]
)
def test_who_sends_no_further_than_this_host_is_told_so_once(
    host1: Host, group: str, limit: str, verb: str, options: str, said: str | None
) -> None:
    more = {"send": ["again"], "query": ["--wait", "0"]}[verb]
    done = main_on(host1, verb, group, "hello", *more, *options.split())
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(warnings) == (said is not None)
    if said is not None:
        assert warnings[0].startswith(f"  warning: with a {limit} of 0 ")
        assert warnings[0].endswith(said)


@pytest.mark.parametrize(
    "destination", ["224.1.0.1%eth0:6666", "224.1.0.1:6666", "192.168.10.2:6666", "[ff02::4d43%eth0]:6666"]
)
def test_the_source_that_is_told_is_the_one_on_the_wire(host1: Host, host2: Host, destination: str) -> None:
    with tcpdump_on(host2) as wire:
        done = main_on(host1, "send", destination, "whence?")
        [seen] = wire.packets(1)
    told = re.search(r"from \[?([0-9a-f.:]+?)\]?:(\d+) by (eth0|the routes)$", done.stderr.strip())
    assert told is not None, done.stderr
    assert (told[1], int(told[2])) == (str(seen.source), seen.source_port)
    assert (told[3] == "eth0") == ("%eth0" in destination)


@pytest.mark.own_lab
def test_an_ipv6_source_and_class_are_as_asked(host1: Host, host2: Host) -> None:
    host1.run(["ip", "address", "add", "fd00::77/64", "dev", "eth0", "nodad"])
    with tcpdump_on(host2, "udp and ip6") as wire:
        main_on(host1, "send", "[ff15::1%eth0]:6666", "six", "--bind", "[fd00::77]:7000", "--tos", "72")
        [seen] = wire.packets(1)
    assert (str(seen.source), seen.source_port, seen.traffic_class) == ("fd00::77", 7000, 72)


def test_a_text_that_begins_with_a_dash_follows_two(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        assert main_on(host1, "send", CHAT, "-n", "--", "-n", "--repeat").returncode == 0
        seen = wire.packets(2)
    assert [packet.payload for packet in seen] == [b"-n", b"--repeat"]


def test_a_file_is_one_datagram_and_so_is_all_of_standard_input(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        main_on(host1, "send", CHAT, "--file", "/proc/sys/kernel/ostype")
        run_on(host1, "send", CHAT, "--file", "-", stdin="two\nlines\n")
        seen = wire.packets(2)
    assert [packet.payload for packet in seen] == [b"Linux\n", b"two\nlines\n"]


def test_repeated_is_in_rounds_and_many_are_summed_up(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        done = main_on(host1, "send", CHAT, "a", "b", "--repeat", "15", "--rate", "900")
        seen = wire.packets(30)
    assert [packet.payload for packet in seen] == [b"a\n", b"b\n"] * 15
    assert done.stderr.count("sent ") == 10
    assert re.search(r"in all 30 packets, 60 bytes in [\d.]+ s, [\d.]+/s, 900/s asked\n$", done.stderr)


def test_a_line_of_standard_input_is_repeated_as_it_comes(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        run_on(host1, "send", CHAT, "--repeat", "2", stdin="a\nb\n")
        seen = wire.packets(4)
    assert [packet.payload for packet in seen] == [b"a\n", b"a\n", b"b\n", b"b\n"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_without_an_end_it_goes_on_until_a_signal_and_sums_up(
    host1: Host, host2: Host, number: int, status: int
) -> None:
    with (
        tcpdump_on(host2) as wire,
        started(host1, "send", CHAT, "on", "--repeat", "0", "--interval", "0.01", until="sent") as sender,
    ):
        wire.packets(12)
        sender.process.send_signal(number)
        assert sender.ended() == status
        sender.errors.wait(lambda: b"before it was stopped" in sender.errors.data, "the sum")
        assert b"100/s asked" in sender.errors.data
        assert b"Traceback" not in sender.errors.data


@requires("nft")
@pytest.mark.own_lab
def test_a_refusal_in_the_middle_says_how_many_went_out_before(host1: Host) -> None:
    rules = "table inet t { chain o { type filter hook output priority 0; ip daddr 239.1.1.3 drop; }; }"
    host1.run(["nft", rules])
    done = main_on(host1, "send", "239.1.1.1%eth0:5000+5", "x")
    assert done.returncode in {3, 4}
    assert "in all 2 packets" in done.stderr
    assert "EPERM" in done.stderr
    assert "239.1.1.3" in done.stderr


def test_of_a_line_that_is_no_hexadecimal_nothing_is_sent_and_the_lines_before_are(
    host1: Host, host2: Host
) -> None:
    with tcpdump_on(host2) as wire:
        done = run_on(host1, "send", CHAT, "--hex", stdin="41\n4z\n42\n")
        main_on(host1, "send", CHAT, "-n", "the end")
        seen = wire.packets(2)
    assert [packet.payload for packet in seen] == [b"A", b"the end"]
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "\n  4z\n   ^\n" in done.stderr


WRONG = {
    "--tos 256": "0<=x<=255",
    "--tos x": "no number",
    "--ttl 256": "0<=x<=255",
    "--source-port 65536": "0<=x<=65535",
    "--interface eth9": "eth0",
    "--interface lo": "names eth0",
    "--interval 0": "0<x",
    "--interval nan": "no number",
    "--rate 0": "1e-06",
    "--rate inf": "rate",
    "--rate 1001": "--yes",
    "--rate 5 --interval 1": "Leave one",
    "--repeat -1": "x>=0",
    "--repeat 0": "--interval",
    "--wait nan": "no number",
    "--wait 1": "query",
    "--bind 192.168.10.9": "192.168.10.1",
    "--bind :6666": "--source-port",
    "--bind fd00::1": "IPv4",
    "--bind 224.1.0.1": "one host",
    "--bind 192.168.10.1%eth0": "interface",
    "--bind 192.168.10.1:7000 --source-port 7001": "--source-port",
    "--file /proc/sys/kernel/ostype": "TEXT",
    "--hex": "hexadecimal",
    "--raw 256": "0<=x<=255",
    "--raw 253": "no ports",
}


def test_what_is_wrong_is_refused_in_words_and_nothing_is_sent(
    host1: Host, host2: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    with tcpdump_on(host2) as wire:
        with host1.entered():
            for options, said in WRONG.items():
                assert main(["send", CHAT, "text", *options.split()]) == 2
                printed = capsys.readouterr()
                assert printed.out == ""
                assert said in printed.err, options
        main_on(host1, "send", CHAT, "-n", "right")
        [seen] = wire.packets(1)
    assert seen.payload == b"right"


# -- send --wait: the semantics of socat's SENDTO


def test_what_the_one_address_answers_is_printed(host1: Host, host2: Host) -> None:
    asked = ("192.168.10.2:7000", "--source-port", "7777", "--wait", "0.1")
    with (
        socat(host2, "STDIO", "UDP4-DATAGRAM:192.168.10.1:7777,bind=:7000") as there,
        tcpdump_on(host1, "udp dst port 7777") as wire,
        Program(host1, [*COMMAND, "send", *asked]) as sender,
    ):
        sender.write(b"who?\n")
        there.hears("who?")
        there.say("me")
        wire.packets(1)
        sender.process.stdin.close()
        assert sender.ended() == 0
        assert wait_lines(sender, 1) == ["192.168.10.2:7000 len 3 me"]
        sender.errors.wait(lambda: b"1 answer of 192.168.10.2:7000" in sender.errors.data, "the sum")


def test_who_answers_from_elsewhere_is_counted_and_not_shown(lab: Lab) -> None:
    host1, host2, host3 = (lab.host(number) for number in (1, 2, 3))
    here = "UDP4-DATAGRAM:192.168.10.1:7777"
    with (
        socat(host2, "STDIO", f"{here},bind=:7000") as there,
        socat(host2, "STDIO", f"{here},bind=:7001") as other_port,
        socat(host3, "STDIO", f"{here},bind=:7000") as other_host,
        tcpdump_on(host1, "udp dst port 7777") as wire,
    ):
        asked = ("192.168.10.2:7000", "who?", "--source-port", "7777", "--wait", "60")
        with started(host1, "send", *asked, until="sent") as sender:
            there.hears("who?")
            other_port.say("intruder")
            other_host.say("intruder")
            wire.packets(2)
            there.write(b"\x1b]0;it is me\x07\n")
            [line] = wait_lines(sender, 1)
            sender.process.send_signal(signal.SIGINT)
            assert sender.ended() == 130
            sender.errors.wait(lambda: b"answer of" in sender.errors.data, "the sum")
            assert b"1 answer of 192.168.10.2:7000, 2 from elsewhere not shown" in sender.errors.data
            assert lines(sender.output) == [line]
    assert "it is me" in line
    assert line.isprintable()


def test_a_reader_of_answers_that_is_gone_ends_it_quietly_and_well(host1: Host, host2: Host) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    asked = ("192.168.10.2:7000", "who?", "--wait", "60")
    with socat(host2, "PIPE", "UDP4-RECVFROM:7000"):
        sender = host1.popen([*COMMAND, "send", *asked], stdout=writable, stderr=subprocess.PIPE)
        os.close(writable)
        with sender.stderr as errors:
            said = errors.read()
        assert sender.wait(timeout=PATIENCE_S) == 0
    assert b"Traceback" not in said
    assert b"1 answer of 192.168.10.2:7000" in said


def test_no_answer_is_status_1(host1: Host) -> None:
    done = main_on(host1, "send", "192.168.10.2:7000", "anybody?", "--wait", "0.1")
    assert (done.returncode, done.stdout) == (1, "")


def test_ipv6_answers_come_from_their_link(host1: Host, host2: Host) -> None:
    with socat(host2, "UDP6-RECVFROM:7000,fork", "PIPE"):
        asked = ("[fe80::2%eth0]:7000", "six", "--wait", "60")
        with started(host1, "send", *asked, until="sent") as sender:
            assert wait_lines(sender, 1) == ["[fe80::2]:7000 len 4 six"]


# -- raw IP


def test_raw_ip_reaches_socat_and_its_answer_comes_back(host1: Host, host2: Host) -> None:
    with socat(host2, "IP4-RECVFROM:253,fork", "PIPE"):
        asked = ("192.168.10.2", "raw", "--raw", "253", "--wait", "60")
        with started(host1, "send", *asked, until="from 192.168.10.1 by") as sender:
            assert wait_lines(sender, 1) == ["192.168.10.2 len 4 raw"]


@requires("setpriv")
def test_raw_ip_without_the_privilege_is_status_3(host1: Host) -> None:
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    done = host1.run([*drop, *COMMAND, "send", "192.168.10.2", "x", "--raw", "253"], check=False)
    assert done.returncode == 3
    assert "CAP_NET_RAW" in done.stderr
