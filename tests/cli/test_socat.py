"""``mcast-tui socat`` with the tutorial's lines as they are printed, against the real socat and itself."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import subprocess
import sys
import termios
import time
from contextlib import ExitStack, contextmanager
from typing import IO, TYPE_CHECKING

import pytest

from mcast_tui import __version__
from tests.cli.commands import COMMAND, run_on
from tests.peers import Socat, requires, socat, tcpdump_on, wait_until
from tests.pty_app import unsafe_in
from tests.services.relays import has_ended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mcast_tui.services.lab.lan import Host

pytestmark = [requires("socat"), pytest.mark.usefixtures("shared_lab")]

ROW_1S = "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.2,fork EXEC:hostname"
ROW_1C = "STDIO UDP4-DATAGRAM:224.1.0.1:6666,range=192.168.10.0/24"
ROW_2S = "UDP4-RECVFROM:6666,broadcast,fork EXEC:hostname"
ROW_2C = "STDIO UDP4-DATAGRAM:192.168.10.255:6666,broadcast,range=192.168.10.0/24"
ROW_3 = (
    "STDIO UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,range=192.168.10.0/24,"
    "ip-add-membership=224.1.0.1:192.168.10.2"
)
ROW_4 = "STDIO UDP4-DATAGRAM:255.255.255.255:6666,bind=:6666,range=192.168.10.0/24,broadcast"
ROW_5S = (
    "-u UDP-RECVFROM:8888,reuseaddr,ip-add-membership=224.1.0.1:192.168.10.2,ip-pktinfo,fork SYSTEM:export"
)
ROW_5C = "echo | socat -u STDIO UDP-DATAGRAM:224.1.0.1:8888"
TO_HOST2 = "STDIO UDP4-DATAGRAM:192.168.10.2:6666"
OURS = shlex.join([*COMMAND, "socat"])


@contextmanager
def ours(host: Host, line: str, *, sockets: int = 1) -> Iterator[Socat]:
    """Run what stands after the word socat, on our sockets; they are open when this returns."""
    with Socat(host, [*COMMAND, "socat", "-dd", *shlex.split(line)]) as program:
        talk = program.errors
        talk.wait(lambda: talk.data.count(b"opened") >= sockets, "open sockets")
        yield program


def theirs(host: Host, line: str) -> Socat:
    """Run the same with the real socat."""
    return socat(host, *shlex.split(line))


def ask_until_answered(client: Socat, answer: str) -> None:
    """Ask again and again: socat's server loses answers of a command that ignores its input."""
    before, asked = client.lines.count(answer), 0.0

    def is_answered() -> bool:
        nonlocal asked
        if time.monotonic() - asked > 0.2:
            client.say("?")
            asked = time.monotonic()
        return client.lines.count(answer) > before

    wait_until(is_answered, f"an answer {answer!r}")


# -- the rows of the tutorial


@pytest.mark.parametrize(("server", "client"), [(ROW_1S, ROW_1C), (ROW_2S, ROW_2C)], ids=["1", "2"])
def test_rows_1_and_2_a_server_answers_and_no_answer_is_lost(
    host1: Host, host2: Host, host3: Host, server: str, client: str
) -> None:
    with ours(host1, client) as our_client:
        with ours(host2, server), theirs(host3, client) as their_client:
            for asking in (our_client, their_client):
                for number in range(1, 21):
                    asking.say("?")
                    asking.hears("host2", number)
            assert our_client.lines == their_client.lines == ["host2"] * 20
        with theirs(host2, server):
            ask_until_answered(our_client, "host2")


@pytest.mark.parametrize("line", [ROW_3, ROW_4], ids=["3", "4"])
def test_rows_3_and_4_all_peers_hear_all_and_themselves(
    host1: Host, host2: Host, host3: Host, line: str
) -> None:
    def of(host: Host) -> str:
        return line.replace("192.168.10.2", str(host.address4))

    with ExitStack() as stack:
        peers = [
            stack.enter_context(ours(host1, of(host1))),
            stack.enter_context(ours(host2, line)),
            stack.enter_context(theirs(host3, of(host3))),
        ]
        for number, speaker in enumerate(peers, 1):
            speaker.say(f"peer {number} speaks")
            for listener in peers:
                listener.hears(f"peer {number} speaks")
        assert [len(peer.lines) for peer in peers] == [3, 3, 3]


def test_row_5_a_command_finds_the_packet_information_in_its_environment(host1: Host, host2: Host) -> None:
    # socat now and then loses what a command prints that does not read its input (Broken pipe), here too.
    reading = ROW_5S.replace("SYSTEM:export", "'SYSTEM:cat >/dev/null; export'")
    with ours(host2, ROW_5S) as our_server, theirs(host2, reading) as their_server:
        for times, sender in enumerate(("socat", OURS), 1):
            host1.run(["sh", "-c", ROW_5C.replace("socat", sender)], timeout_s=60)
            for server in (our_server, their_server):
                server.hears("SOCAT_PEERPORT", times)
                server.hears("SOCAT_IP_LOCADDR", times)
        wanted = {
            "export SOCAT_IP_DSTADDR='224.1.0.1'",
            "export SOCAT_IP_IF='eth0'",
            "export SOCAT_IP_LOCADDR='192.168.10.2'",
            "export SOCAT_PEERADDR='192.168.10.1'",
        }
        for server in (our_server, their_server):
            assert wanted <= set(server.lines)
        ports = [
            {line for line in server.lines if "SOCAT_PEERPORT" in line}
            for server in (our_server, their_server)
        ]
        assert ports[0] == ports[1]


def test_ours_understands_ours_in_row_3_on_ipv6(host1: Host, host2: Host) -> None:
    line = "STDIO UDP6-DATAGRAM:[ff02::4d43%eth0]:6666,bind=[::]:6666,ipv6-join-group=[ff02::4d43]:eth0"
    with ours(host1, line) as one, ours(host2, line) as two:
        one.say("six")
        two.hears("six")
        two.say("six too")
        one.hears("six too")


# -- its streams


def test_every_byte_goes_through_a_pipe(host1: Host, host2: Host) -> None:
    every = bytes(range(256))
    with ours(host2, "-U STDIO UDP4-RECV:6666") as receiver, theirs(host1, TO_HOST2) as sender:
        sender.write(every)
        receiver.output.wait(lambda: len(receiver.output.data) >= 256, "every byte")
        assert receiver.output.data == every


def test_a_reader_that_goes_away_ends_it_quietly(host1: Host, host2: Host) -> None:
    head = f"{OURS} -dd -u UDP4-RECV:6666 STDIO | head -n 1"
    with Socat(host2, ["sh", "-c", head]) as receiver:
        receiver.errors.wait(lambda: b"opened" in receiver.errors.data, "an open socket")
        with theirs(host1, TO_HOST2) as sender:
            sender.say("only this")
            receiver.hears("only this")
            wait_until(lambda: sender.say("more") or receiver.errors.ended, "its end")
    assert b"Traceback" not in receiver.errors.data


@pytest.mark.parametrize(
    ("to", "said"),
    [(">/dev/full", "No space left on device (ENOSPC)"), (">&-", "Bad file descriptor (EBADF)")],
)
def test_an_output_that_cannot_be_written_is_named(host1: Host, host2: Host, to: str, said: str) -> None:
    with Socat(host2, ["sh", "-c", f"exec {OURS} -dd -u UDP4-RECV:6666 STDIO {to}"]) as program:
        program.errors.wait(lambda: b"opened" in program.errors.data, "an open socket")
        run_on(host1, "send", "192.168.10.2:6666", "lost")
        assert program.ended() == 4
        program.errors.wait(lambda: said.encode() in program.errors.data, said)
    assert b"Traceback" not in program.errors.data


def test_a_file_goes_out_in_blocks_of_the_size_asked(host1: Host, host2: Host, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(20_000))
    with theirs(host2, "-u UDP4-RECVFROM:6666,fork 'SYSTEM:wc -c'") as receiver:
        host1.run(
            ["sh", "-c", f"{OURS} -u -b 7000 STDIO UDP4-SENDTO:192.168.10.2:6666 < {file}"], timeout_s=60
        )
        receiver.output.wait(lambda: receiver.output.data.count(b"\n") >= 3, "three datagrams")
        assert sorted(receiver.lines) == ["6000", "7000", "7000"]


def test_nothing_from_the_wire_acts_on_a_terminal(host1: Host, host2: Host) -> None:
    ours_end, its_end = os.openpty()
    argv = [*COMMAND, "socat", "-dd", "-u", "UDP4-RECVFROM:6666,fork", "SYSTEM:tee /dev/stderr"]
    process = host2.popen(argv, stdin=its_end, stdout=its_end, stderr=its_end)
    os.close(its_end)
    written = b""
    while b"opened" not in written:
        written += os.read(ours_end, 4096)
    with theirs(host1, TO_HOST2) as sender:
        sender.write(b"\x1b]0;pwned\x07\x9b31m\r\xe2\x80\xae last\n")
        while written.count(b"last") < 2:  # as output, and as a complaint
            written += os.read(ours_end, 4096)
    process.terminate()
    assert process.wait(timeout=30) == 143
    os.close(ours_end)
    assert unsafe_in(written.decode().replace("\r\n", "")) == ""
    assert b"standard output is a terminal" in written


# -- how it ends


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_and_everything_it_started(
    host1: Host, host2: Host, number: int, status: int
) -> None:
    line = f"{ROW_1S.removesuffix('EXEC:hostname')} 'SYSTEM:setsid sleep 600 & echo $!; wait'"
    with ours(host2, line) as server, theirs(host1, ROW_1C) as client:
        client.say("?")
        client.output.wait(lambda: b"\n" in client.output.data, "an answer")
        sleeper = int(client.output.data)
        assert "010001E0" in host2.run(["cat", "/proc/thread-self/net/igmp"]).stdout
        server.process.send_signal(number)
        assert server.process.wait(timeout=30) == status
        wait_until(lambda: has_ended(sleeper), "the end of its grandchild")
    assert "010001E0" not in host2.run(["cat", "/proc/thread-self/net/igmp"]).stdout


def test_requests_that_still_wait_for_their_turn_in_the_end_are_told(host1: Host, host2: Host) -> None:
    line = f"{ROW_1S.removesuffix(' EXEC:hostname')},max-children=1 'SYSTEM:echo got; sleep 600'"
    with ours(host2, line) as server, ExitStack() as clients, tcpdump_on(host2, "udp dst port 6666") as wire:
        for count in range(1, 4):
            client = clients.enter_context(theirs(host1, ROW_1C))
            client.say("?")
            wire.packets(count)
        wait_until(lambda: all_read(host2, 6666), "the others to be taken from the socket")
        server.process.terminate()
        server.errors.wait(
            lambda: b"2 datagrams still waiting for their turn" in server.errors.data, "a word"
        )


def all_read(host: Host, port: int) -> bool:
    """Whether nothing waits in the sockets of a port: /proc/net/udp, proc(5)."""
    rows = host.run(["cat", "/proc/thread-self/net/udp"]).stdout.splitlines()[1:]
    return all(
        row.split()[4].endswith(":00000000") for row in rows if row.split()[1].endswith(f":{port:04X}")
    )


def test_a_reader_that_stops_reading_does_not_keep_it_from_ending(host1: Host, host2: Host) -> None:
    argv = [*COMMAND, "socat", "-dd", "-u", "UDP4-RECV:6666", "STDIO"]
    with (
        host2.popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stuck,
        theirs(host1, TO_HOST2) as sender,
    ):
        try:
            assert b"opened" in stuck.stderr.readline()
            wait_until(lambda: sender.write(bytes(4000)) or unread(stuck.stdout) > 60_000, "a full pipe")
            sender.write(bytes(8000))
            stuck.terminate()
            assert stuck.wait(timeout=30) == 143
        finally:
            stuck.kill()


def unread(pipe: IO[bytes]) -> int:
    """Return how many bytes wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_what_was_refused_is_told_at_the_end(host1: Host, host2: Host, host3: Host) -> None:
    with ours(host2, "-u UDP4-RECV:6666,range=192.168.10.3/32 STDIO") as receiver:
        with theirs(host1, TO_HOST2) as outsider, theirs(host3, TO_HOST2) as insider:
            for number in range(1, 4):
                outsider.say("let me in")
                insider.say("may I?")
                receiver.hears("may I?", number)
        receiver.process.terminate()
        assert receiver.process.wait(timeout=30) == 143
        receiver.errors.wait(lambda: b"refused by range" in receiver.errors.data, "a word on it")
    assert "let me in" not in receiver.lines


def test_a_command_that_fails_is_status_1_and_a_refused_broadcast_3(host2: Host) -> None:
    to_nobody = "UDP4-SENDTO:192.168.10.1:7000"
    done = run_on(host2, "socat", "-t", "0", "SYSTEM:exit 3", to_nobody)
    assert (done.returncode, "exited with status 3" in done.stderr) == (1, True)
    done = run_on(host2, "socat", "STDIO", "UDP4-DATAGRAM:255.255.255.255:7000", stdin="x")
    assert (done.returncode, "255.255.255.255:7000,broadcast" in done.stderr) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["STDIO"], "exactly 2 are needed, and there are 1"),
        (["STDIO", "STDIO", "UDP4-RECV:1"], "there are 3"),
        (["-u", "-U", "STDIO", "UDP4-RECV:6666"], "opposite ways"),
        (["-x", "STDIO", "UDP4-RECV:6666"], "No such option"),
        (["-t", "soon", "STDIO", "UDP4-RECV:6666"], "'soon'"),
        (["-T", "-1", "STDIO", "UDP4-RECV:6666"], "-1"),
        (["-b", "0", "STDIO", "UDP4-RECV:6666"], "0"),
        (["STDIO", "EXEC:cat"], "neither of the two is a datagram socket"),
        (["STDIO", "UDP4-DATAGRAM:224.1.0.1:6666,foo"], "'foo' is not an option"),
        (["STDIO", "UDP4-RECV:7001!!UDP4-SENDTO:10.9.0.1:8000"], "!!"),
        (["UDP4-RECVFROM:6666,fork", "EXEC:no-such-program"], "there is no such command"),
    ],
)
def test_bad_words_are_refused_with_what_is_wrong(
    capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    from mcast_tui.cli.main import main

    assert main(["socat", *arguments]) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert said.out == ""


def test_an_error_points_at_its_column(capsys: pytest.CaptureFixture[str]) -> None:
    from mcast_tui.cli.main import main

    address = "UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,rnge=192.168.10.0/24"
    assert main(["socat", "STDIO", address]) == 2
    *_, line, caret, _ = capsys.readouterr().err.splitlines()
    assert line == f"  {address}"
    assert caret.index("^") == 2 + address.index("rnge")


@pytest.mark.parametrize("option", ["-V", "-h", "-?"])
def test_version_and_help_need_no_addresses(capsys: pytest.CaptureFixture[str], option: str) -> None:
    from mcast_tui.cli.main import main

    assert main(["socat", option]) == 0
    said = capsys.readouterr().out
    assert (__version__ in said) if option == "-V" else ("EXEC:hostname" in said)
