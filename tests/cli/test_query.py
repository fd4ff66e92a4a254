"""``mcast-tui query`` against the tutorial's servers, its rows 1c and 2c, and whoever else may answer."""

from __future__ import annotations

import json
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.main import main
from mcast_tui.human import counted
from tests.cli.commands import COMMAND, run_on, started, wait_lines
from tests.peers import Socat, requires, socat, socat_peer, tcpdump_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.lan import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = "224.1.0.1%eth0:6666"
HOSTNAME = "SYSTEM:cat >/dev/null; hostname"
"""The tutorial's ``EXEC:hostname`` without its race: it reads what it is given."""
PATIENT = ("--wait", "30")


@contextmanager
def servers(hosts: tuple[Host, ...], listening: str, command: str = HOSTNAME) -> Iterator[None]:
    """Run the tutorial's server (1s, 2s) on these hosts; `{}` in its address is the host's own."""
    started_: list[Socat] = []
    try:
        for host in hosts:
            started_.append(socat(host, f"{listening.format(host.address4)},fork", command))
        yield
    finally:
        for server in started_:
            server.close()


MULTICAST = "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:{}"
MULTICAST6 = "UDP6-RECVFROM:6666,ipv6-join-group=[ff02::4d43]:eth0"
BROADCAST = "UDP4-RECVFROM:6666,broadcast"


def hosts_that_answered(said: list[str]) -> set[tuple[str, str]]:
    """Return source and payload of each line, all of which look as they should."""
    found = set()
    for line in said:
        seen = re.fullmatch(r"(\S+) +[\d.]+ ms  ttl +\d+ len +\d+ (.*)", line)
        assert seen is not None, line
        found.add((seen[1], seen[2]))
    return found


@pytest.mark.parametrize(
    ("listening", "asked"),
    [
        (MULTICAST, "224.1.0.1%eth0:6666"),
        (MULTICAST, "224.1.0.1:6666"),
        (BROADCAST, "192.168.10.255:6666"),
        (BROADCAST, "broadcast%eth0:6666"),
    ],
)
def test_both_servers_of_the_tutorial_answer_with_their_names(
    host1: Host, host2: Host, host3: Host, listening: str, asked: str
) -> None:
    with servers((host2, host3), listening):
        done = run_on(host1, "query", asked, "who?", "--range", "192.168.10.0/24", "-c", "2", *PATIENT)
    assert done.returncode == 0, done.stderr
    assert hosts_that_answered(done.stdout.splitlines()) == {
        ("192.168.10.2:6666", "host2"),
        ("192.168.10.3:6666", "host3"),
    }
    assert "2 answers from 2 hosts to 1 question, 0 refused" in done.stderr


def test_ipv6_servers_answer_too_and_are_told_with_their_link(host1: Host, host2: Host, host3: Host) -> None:
    with servers((host2, host3), MULTICAST6):
        done = run_on(host1, "query", "[ff02::4d43%eth0]:6666", "who?", "-c", "2", *PATIENT)
    assert done.returncode == 0, done.stderr
    assert hosts_that_answered(done.stdout.splitlines()) == {
        (f"[fe80::{number}%eth0]:6666", f"host{number}") for number in (2, 3)
    }


def test_one_host_is_asked_by_unicast(host1: Host, host2: Host) -> None:
    with servers((host2,), "UDP4-RECVFROM:6666"):
        done = run_on(host1, "query", "192.168.10.2:6666", "who?", "-c", "1", *PATIENT)
    assert hosts_that_answered(done.stdout.splitlines()) == {("192.168.10.2:6666", "host2")}


@pytest.mark.parametrize(
    ("filter_", "admitted"),
    [(("--range", "192.168.10.3/32"), {"host3"}), (("--source-port", "6666"), {"host2", "host3"})],
)
def test_who_is_refused_is_counted_and_shown_only_on_request(
    host1: Host, host2: Host, host3: Host, filter_: tuple[str, str], admitted: set[str]
) -> None:
    with servers((host2, host3), MULTICAST):
        asked = ("query", CHAT, "who?", *filter_, "--show-refused", *PATIENT)
        with started(host1, *asked, until="asking") as query:
            said = wait_lines(query, 2)
            query.process.send_signal(signal.SIGINT)
            assert query.ended() == 130
            query.errors.wait(lambda: b" question" in query.errors.data, "the sum")
            refused = 2 - len(admitted)
            heard = f"{counted(2 - refused, 'answer')} from {counted(2 - refused, 'host')}"
            assert heard.encode() in query.errors.data
            assert f" {refused} refused".encode() in query.errors.data
    assert {line.split()[-1] for line in said if "[refused]" not in line} == admitted


@pytest.mark.parametrize("filter_", [("--source-port", "7"), ("--range", "10.0.0.0/8")])
def test_answers_that_are_all_refused_are_none(host1: Host, host2: Host, filter_: tuple[str, str]) -> None:
    with servers((host2,), MULTICAST):
        done = run_on(host1, "query", CHAT, "who?", *filter_, "--wait", "0.7")
    assert (done.returncode, done.stdout) == (1, "")
    assert "0 answers from 0 hosts to 1 question" in done.stderr


def test_nobody_there_is_status_1(host1: Host) -> None:
    done = run_on(host1, "query", CHAT, "anybody?", "--wait", "0.1")
    assert (done.returncode, done.stdout) == (1, "")


def test_each_line_of_a_pipe_is_a_question_and_answers_come_between_them(host1: Host, host2: Host) -> None:
    with (
        servers((host2,), MULTICAST, "PIPE"),
        started(host1, "query", CHAT, "--wait", "0", until="asking") as query,
    ):
        for count, word in enumerate(("first", "second"), start=1):
            query.write(f"{word}\n".encode())
            assert wait_lines(query, count)[-1].endswith(word)
        query.process.stdin.close()
        assert query.ended() == 0
        query.errors.wait(lambda: b"2 answers from 1 host to 2 questions" in query.errors.data, "the sum")


def test_an_empty_input_asks_nothing_and_does_not_wait(host1: Host) -> None:
    done = run_on(host1, "query", CHAT, *PATIENT)
    assert (done.returncode, done.stdout) == (1, "")
    assert "to 0 questions" in done.stderr


def test_json_is_the_packet_and_its_round_trip_is_that_of_the_wire(host1: Host, host2: Host) -> None:
    with servers((host2,), MULTICAST), tcpdump_on(host1) as wire:
        done = run_on(host1, "query", CHAT, "who?", "-c", "1", "--json", *PATIENT)
        question, answer = wire.packets(2)
    record = json.loads(done.stdout)
    assert (record["schema"], record["source"], record["source_port"]) == (1, "192.168.10.2", 6666)
    assert (record["destination"], record["destination_port"]) == ("192.168.10.1", question.source_port)
    assert (record["text"], record["own"], record["addressed"]) == ("host2\n", False, "unicast")
    assert question.payload == b"who?\n"
    assert record["rtt_ns"] / 1e9 >= answer.at - question.at - 0.0005
    assert list(record)[-1] == "rtt_ns"


def test_the_bare_answers_are_for_pipes(host1: Host, host2: Host) -> None:
    with servers((host2,), MULTICAST, "PIPE"):
        done = run_on(host1, "query", CHAT, "00 0a 41", "--hex", "-c", "1", "--raw-payload", *PATIENT)
    assert done.stdout == "\0\nA"


def test_what_acts_on_a_terminal_is_shown_and_repeated_answers_are_all_shown(
    host1: Host, host2: Host
) -> None:
    asked = ("query", "192.168.10.2:6666", "who?", "--from-port", "7777", "-c", "2", *PATIENT)
    with (
        socat(host2, "STDIO", "UDP4-DATAGRAM:192.168.10.1:7777,bind=:6666") as peer,
        started(host1, *asked, until="asking") as query,
    ):
        peer.hears("who?")
        for count in (1, 2):
            peer.write(b"\x1b]0;pwned\x07\xff\r\nx\n")
            said = wait_lines(query, count)
        assert query.ended() == 0
    assert all("pwned" in line and line.isprintable() for line in said)


def test_how_it_is_asked_is_on_the_wire_as_told(host1: Host, host2: Host) -> None:
    options = ("--from-port", "7000", "--tos", "72", "--ttl", "5", "-n", "--wait", "0")
    with tcpdump_on(host2) as wire:
        done = run_on(host1, "query", CHAT, "what?", *options)
        [seen] = wire.packets(1)
    assert (seen.source_port, seen.traffic_class, seen.hop_limit, seen.payload) == (7000, 72, 5, b"what?")
    assert f"asking {CHAT} from port 7000 by eth0" in done.stderr


def test_without_loop_members_on_this_host_are_not_asked(host1: Host, host2: Host) -> None:
    with socat_peer(host1, "224.1.0.1", 6666, "reuseaddr") as here, socat_peer(host2) as there:
        run_on(host1, "query", CHAT, "not here", "--no-loop", "--wait", "0")
        assert there.hears("not here")
        run_on(host1, "query", CHAT, "here", "--wait", "0")
        assert here.hears("here")
        assert [line for line in here.lines if "not here" in line] == []


def test_our_own_question_is_no_answer_and_shown_only_on_request(host1: Host) -> None:
    asked = ("query", "192.168.10.255:7000", "echo", "--from-port", "7000")
    done = run_on(host1, *asked, "--wait", "0.1")
    assert (done.returncode, done.stdout) == (1, "")
    with started(host1, *asked, "--own", *PATIENT, until="asking") as query:
        [line] = wait_lines(query, 1)
        query.process.send_signal(signal.SIGINT)
        query.errors.wait(lambda: b"0 answers from 0 hosts" in query.errors.data, "the sum")
    assert "192.168.10.1:7000" in line
    assert "[own] echo" in line


def test_a_program_on_this_host_is_heard_as_anybody_else_is(host1: Host) -> None:
    with servers((host1,), "UDP4-RECVFROM:6666"):
        done = run_on(host1, "query", "192.168.10.1:6666", "who?", "-c", "1", *PATIENT)
    assert hosts_that_answered(done.stdout.splitlines()) == {("192.168.10.1:6666", "host1")}


def test_raw_ip_is_asked_and_answered(host1: Host, host2: Host) -> None:
    with servers((host2,), "IP4-RECVFROM:253", "PIPE"):
        done = run_on(host1, "query", "192.168.10.2", "raw", "--raw", "253", "-c", "1", *PATIENT)
    assert done.returncode == 0, done.stderr
    assert hosts_that_answered(done.stdout.splitlines()) == {("192.168.10.2", "raw")}


@requires("head")
def test_a_reader_that_goes_away_ends_it_quietly(host1: Host, host2: Host) -> None:
    with servers((host2,), MULTICAST, "PIPE"):
        line = '"$@" | head -n 1'
        done = host1.run(["sh", "-c", line, "sh", *COMMAND, "query", CHAT, "x", *PATIENT], check=False)
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr


WRONG = {
    "--wait -1": "0<=x",
    "--wait nan": "no number",
    "--count 0": "x>=1",
    "--from-port 65536": "0<=x<=65535",
    "--source-port 0": "1<=x<=65535",
    "--range 192.168.10.0/33": "network",
    "--tos 300": "0<=x<=255",
    "--ttl -1": "0<=x<=255",
    "--interface eth9": "eth0",
    "--hex": "hexadecimal",
    "--json --raw-payload": "Choose one",
    "--bind 192.168.10.9": "192.168.10.1",
    "--bind 192.168.10.1:7000 --from-port 7001": "--from-port",
    "--raw 253": "no ports",
    "more": "more",
}


def test_what_is_wrong_is_refused_in_words_and_nothing_is_asked(
    host1: Host, host2: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    with tcpdump_on(host2) as wire:
        with host1.entered():
            for options, said in WRONG.items():
                assert main(["query", CHAT, "text", *options.split()]) == 2
                printed = capsys.readouterr()
                assert printed.out == ""
                assert said in printed.err, options
        run_on(host1, "query", CHAT, "-n", "right", "--wait", "0")
        [seen] = wire.packets(1)
    assert seen.payload == b"right"


def test_a_line_that_is_no_hexadecimal_ends_it_and_is_named(host1: Host) -> None:
    done = run_on(host1, "query", CHAT, "--hex", *PATIENT, stdin="41\nxy\n")
    assert done.returncode == 2
    assert "line 2" in done.stderr
    assert "to 1 question," in done.stderr
