"""--print-socat: what it prints is run by the real socat, against what it is the twin or the peer of."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import main_on, run_on, started, wait_lines
from tests.peers import Socat, requires

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host

pytestmark = [requires("socat"), pytest.mark.usefixtures("shared_lab")]
READY = (b"starting data transfer loop", b"receiving on", b"receiving IP protocol")


def printed(host: Host, *arguments: str) -> tuple[str, str]:
    """Return the two lines a command prints with --print-socat: ours, and a peer's."""
    verb, *others = arguments
    done = main_on(host, verb, "--print-socat", *others)
    assert (done.returncode, done.stderr) == (0, "")
    about_ours, *_, ours, about_theirs, theirs = done.stdout.splitlines()
    assert about_ours.startswith("# ")
    assert about_theirs.startswith("# ")
    return ours, theirs


def run_line(host: Host, line: str) -> Socat:
    """Run a printed line with the words filled in that a person would, ready when this returns."""
    own = {"OWN_ADDRESS": str(host.address4), "INTERFACE": host.interface}
    for word, meant in own.items():
        line = line.replace(word, meant)
    socat, *words = shlex.split(line)
    program = Socat(host, [socat, "-d", "-d", *words])
    program.errors.wait(lambda: any(word in program.errors.data for word in READY), "being ready")
    return program


@pytest.mark.parametrize("place", ["224.1.0.1%eth0:6666", "broadcast%eth0:6666", "[ff02::4d43%eth0]:6666"])
def test_the_lines_of_chat_talk_with_each_other_and_with_ours(
    host1: Host, host2: Host, host3: Host, place: str
) -> None:
    ours, theirs = printed(host1, "chat", place)
    with (
        started(host1, "chat", place) as chat,
        run_line(host2, ours) as twin,
        run_line(host3, theirs) as peer,
    ):
        twin.say("from the twin")
        peer.say("from the peer")
        assert twin.hears("from the peer")
        assert peer.hears("from the twin")
        assert {line.split(": ")[-1] for line in wait_lines(chat, 2)} == {"from the twin", "from the peer"}


def test_the_line_of_listen_hears_what_the_line_of_its_peer_and_our_send_say(
    host1: Host, host2: Host, host3: Host
) -> None:
    ours, theirs = printed(host1, "listen", "224.1.0.1%eth0:7000", "--range", "192.168.10.0/24")
    with run_line(host1, ours) as twin, run_line(host2, theirs) as peer:
        peer.say("from the peer")
        assert twin.hears("from the peer")
        assert main_on(host3, "send", "224.1.0.1%eth0:7000", "from ours").returncode == 0
        assert twin.hears("from ours")


def test_the_line_of_send_is_heard_by_the_line_of_its_peer_and_by_our_listen(
    host1: Host, host2: Host, host3: Host
) -> None:
    ours, theirs = printed(host1, "send", "224.1.0.1%eth0:7000", "--ttl", "3", "--tos", "16")
    with run_line(host2, theirs) as peer, started(host3, "listen", "224.1.0.1:7000") as listener:
        with run_line(host1, ours) as twin:
            twin.say("hello")
            assert peer.hears("hello")
        [line] = wait_lines(listener, 1)
        assert "ttl   3" in line
        assert "192.168.10.1:7000" in line


def test_the_line_of_query_is_answered_by_the_line_of_its_peer_and_by_our_serve(
    host1: Host, host2: Host, host3: Host
) -> None:
    ours, theirs = printed(host1, "query", "224.1.0.1%eth0:7000")
    with (
        run_line(host2, theirs),
        started(host3, "serve", "224.1.0.1%eth0:7000", "--", "hostname", until="serving"),
        run_line(host1, ours) as twin,
    ):
        twin.say("who is there?")
        assert twin.hears("host2")
        assert twin.hears("host3")


def test_the_line_of_serve_answers_the_line_of_its_peer_and_our_query(
    host1: Host, host2: Host, host3: Host
) -> None:
    ours, theirs = printed(
        host1, "serve", "224.1.0.1%eth0:7000", "--shell", "read -r question; echo $question, said host1"
    )
    with run_line(host1, ours), run_line(host2, theirs) as peer:
        peer.say("hello")
        assert peer.hears("hello, said host1")
        done = run_on(host3, "query", "224.1.0.1%eth0:7000", "hello", "--count", "1")
        assert "hello, said host1" in done.stdout


def test_a_socat_address_is_taken_wherever_an_endpoint_is(host1: Host, host2: Host) -> None:
    member = "UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,range=192.168.10.2/32,ip-add-membership=224.1.0.1:eth0"
    with started(host1, "listen", member) as listener:
        sent = main_on(host2, "send", "UDP4-DATAGRAM:224.1.0.1:6666,ip-multicast-ttl=4,bind=:6667", "hello")
        assert sent.returncode == 0
        [line] = wait_lines(listener, 1)
        assert "192.168.10.2:6667" in line
        assert "ttl   4" in line


def test_a_server_and_its_client_can_both_be_said_in_socat_s_words(host1: Host, host2: Host) -> None:
    server = "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.1,fork"
    client = "UDP4-DATAGRAM:224.1.0.1:6666,range=192.168.10.0/24"
    with started(host1, "serve", server, "--", "hostname", until="serving"):
        done = run_on(host2, "query", client, "who?", "--count", "1")
    assert done.returncode == 0
    assert "host1" in done.stdout


def test_the_terms_of_answers_are_said_in_socat_s_words_too(host1: Host) -> None:
    options = ["--print-socat", "--ttl", "9", "--tos", "16", "--max-children", "2"]
    done = main_on(host1, "serve", *options, "192.168.10.1:7000", "--", "hostname")
    ours = "socat UDP4-RECVFROM:7000,ttl=9,tos=16,reuseaddr,fork,max-children=2 EXEC:hostname,pipes"
    assert done.stdout.splitlines()[1] == ours


@pytest.mark.parametrize(("verb", "one_way"), [("send", "-u "), ("query", "-t 2 ")])
def test_the_source_address_is_said_in_socat_s_words_too(host1: Host, verb: str, one_way: str) -> None:
    done = main_on(host1, verb, "--print-socat", "--bind", "192.168.10.1:7777", "192.168.10.2:6666", "hello")
    ours = f"socat {one_way}STDIO UDP4-DATAGRAM:192.168.10.2:6666,bind=192.168.10.1:7777,broadcast"
    assert done.stdout.splitlines()[1] == ours


def test_what_socat_s_words_say_of_answers_is_what_answers_have(host1: Host, host2: Host) -> None:
    server = (
        "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:eth0,fork,max-children=2,ttl=9,range=192.168.10.2/32"
    )
    with started(host1, "serve", server, "--", "hostname", until="serving") as serving:
        assert b"at most 2 at once" in serving.errors.data
        done = run_on(host2, "query", "224.1.0.1%eth0:6666", "who?", "--count", "1")
    assert "ttl   9" in done.stdout


@pytest.mark.parametrize(
    ("words", "asked", "answer"),
    [
        (
            ["UDP4-RECVFROM:7000,ip-add-membership=224.1.0.1:eth0,fork", "SYSTEM:read x; hostname"],
            "peer",
            "host1",
        ),
        (["UDP4-RECVFROM:7000,broadcast,fork", "SYSTEM:read x; hostname"], "peer", "host1"),
        (["STDIO", "UDP4-DATAGRAM:224.1.0.1:7000,range=192.168.10.0/24"], "twin", "host2"),
        (["STDIO", "UDP4-SENDTO:192.168.10.2:7000"], "twin", "host2"),
        (
            ["STDIO", "UDP4-DATAGRAM:224.1.0.1:7000,bind=:7000,ip-add-membership=224.1.0.1:eth0"],
            "peer",
            "hello",
        ),
        (["STDIO", "UDP4-DATAGRAM:255.255.255.255:7000,bind=:7000,broadcast"], "twin", "hello"),
        (["-u", "STDIO", "UDP4-DATAGRAM:224.1.0.1:7000"], "twin", "hello"),
        (["-U", "STDIO", "UDP4-DATAGRAM:224.1.0.1:7000,bind=:7001,broadcast"], "peer", "hello"),
        (["UDP4-RECV:7000,bind=192.168.10.1", "STDIO"], "peer", "hello"),
        (["STDIO", "IP4-DATAGRAM:224.1.0.1:253,ip-add-membership=224.1.0.1:eth0"], "peer", "hello"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_of_two_socat_addresses_the_line_of_a_peer_is_printed(
    host1: Host, host2: Host, words: list[str], asked: str, answer: str
) -> None:
    done = main_on(host1, "socat", "--print-socat", *words)
    _, ours, _, theirs = done.stdout.splitlines()
    with run_line(host1, ours) as twin, run_line(host2, theirs) as peer:
        speaker, other = (twin, peer) if asked == "twin" else (peer, twin)
        speaker.say("hello")
        assert (other if answer == "hello" else speaker).hears(answer)


def test_times_and_sizes_are_in_the_line_too(host1: Host) -> None:
    options = ("-t", "0.25", "-T", "60", "-b", "1400")
    done = main_on(host1, "socat", "--print-socat", *options, "STDIO", "UDP4-SENDTO:192.168.10.2:7000")
    assert done.stdout.splitlines()[1] == "socat -t0.25 -T60 -b1400 STDIO UDP4-SENDTO:192.168.10.2:7000"


def test_a_peer_sends_from_the_port_that_is_asked_for(host1: Host) -> None:
    done = main_on(host1, "socat", "--print-socat", "UDP4-RECV:7000,sourceport=7001", "STDIO")
    assert (
        done.stdout.splitlines()[-1]
        == "socat -u STDIO UDP4-DATAGRAM:255.255.255.255:7000,bind=:7001,broadcast"
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("UDP6-RECV:7000", "STDIO"), "joins no group, and IPv6 has no broadcast"),
        (("-U", "STDIO", "UDP4-DATAGRAM:224.1.0.1:7000"), "the kernel chooses its port"),
    ],
)
def test_where_a_peer_would_meet_it_is_not_guessed(host1: Host, words: tuple[str, ...], why: str) -> None:
    done = main_on(host1, "socat", "--print-socat", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


def test_what_socat_has_no_words_for_is_said_beside_the_line(host1: Host) -> None:
    line = [
        "listen",
        "239.0.0.1%eth0:5000+3",
        "--range",
        "10.0.0.0/8",
        "--range",
        "11.0.0.0/8",
        "--count",
        "2",
    ]
    said = main_on(host1, *line, "--json", "--print-socat").stdout.splitlines()
    assert said[1:4] == [
        "# which has no words for --json, --count",
        "# of the run only the first: one socat for each group",
        "# and for one range only, the first",
    ]
    assert said[4].count("range=") == 1


def test_a_query_that_waits_and_a_send_that_waits_are_patient_in_socat_s_words_too(
    host1: Host, host2: Host
) -> None:
    with started(host2, "serve", "224.1.0.1%eth0:7000", "--shell", "sleep 1; hostname", until="serving"):
        for arguments in (
            ("query", "224.1.0.1%eth0:7000", "--wait", "20"),
            ("send", "192.168.10.2:7000", "--wait", "20"),
        ):
            ours, _ = printed(host1, *arguments)
            with run_line(host1, ours) as twin:
                twin.say("who?")
                assert twin.hears("host2")


def test_a_printed_server_answers_every_time_though_its_command_reads_nothing(
    host1: Host, host2: Host
) -> None:
    ours, _ = printed(host1, "serve", "224.1.0.1%eth0:7000", "--", "hostname")
    with run_line(host1, ours):
        for _ in range(5):
            done = run_on(host2, "query", "224.1.0.1%eth0:7000", "who?", "--count", "1", "--wait", "20")
            assert "host1" in done.stdout
