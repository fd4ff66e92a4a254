"""``mcast-tui serve`` as a command, the real socat as its client and as the one it is compared with."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import COMMAND, run_on, started
from tests.peers import PATIENCE_S, Program, requires, socat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

READY = "serving with"


@contextmanager
def client(host: Host, family: int = socket.AF_INET) -> Iterator[socket.socket]:
    """A socket on a host that asks."""
    with host.entered(), socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        yield sock


def summary(program: Program) -> str:
    """Wait for a command to end; return its last line, which sums up."""
    program.process.wait(PATIENCE_S)
    program.errors.wait(lambda: program.errors.ended, "its end")
    return program.errors.data.decode().strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("224.1.0.1%192.168.10.1:6666", "UDP4-DATAGRAM:224.1.0.1:6666,range=192.168.10.0/24"),
        ("broadcast:6666", "UDP4-DATAGRAM:192.168.10.255:6666,broadcast,range=192.168.10.0/24"),
        ("[ff02::4d43%eth0]:6666", "UDP6-DATAGRAM:[ff02::4d43%eth0]:6666"),
    ],
    ids=["example 1", "example 2", "the IPv6 twin"],
)
def test_the_tutorials_client_prints_our_hostname(
    host1: Host, host2: Host, endpoint: str, address: str
) -> None:
    with started(host1, "serve", endpoint, "--count", "1", "--", "hostname", until=READY) as server:
        with socat(host2, "STDIO", address) as peer:
            peer.say("who is there")
            assert peer.hears("host1")
        assert "1 request served, 1 reply sent, 0 dropped" in summary(server)


ALL4 = "ip-pktinfo,ip-recvttl,ip-recvtos,so-timestamp"
ALL6 = "ipv6-recvpktinfo,ipv6-recvhoplimit,ipv6-recvtclass,so-timestamp"


@pytest.mark.parametrize(
    ("endpoint", "address", "family", "asked"),
    [
        (
            "224.1.0.1%eth0:6666",
            f"UDP4-RECVFROM:6666,reuseaddr,fork,ip-add-membership=224.1.0.1:eth0,{ALL4}",
            socket.AF_INET,
            ("224.1.0.1", 6666),
        ),
        (
            "[ff02::4d43%eth0]:6666",
            f"UDP6-RECVFROM:6666,reuseaddr,fork,ipv6-join-group=[ff02::4d43]:eth0,{ALL6}",
            socket.AF_INET6,
            ("ff02::4d43", 6666),
        ),
    ],
    ids=["IPv4", "IPv6"],
)
def test_a_socat_script_finds_the_environment_that_socat_gives_it(
    host1: Host, host2: Host, endpoint: str, address: str, family: int, asked: tuple[str, int]
) -> None:
    script = "cat >/dev/null; env | grep ^SOCAT_"
    ours = started(host1, "serve", endpoint, "--shell", f"echo ours; {script}", until=READY)
    with ours, socat(host1, address, f"SYSTEM:{script}"), client(host2, family) as asker:
        if family == socket.AF_INET:
            asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 7)
            asker.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x28)
            asker.sendto(b"\n", asked)
        else:
            asker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 7)
            asker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x28)
            asker.sendto(b"\n", (*asked, 0, host2.ifindex))
        answers = sorted((asker.recv(65_535).decode() for _ in range(2)), key=lambda text: "ours\n" in text)
    theirs, found = (set(answer.removeprefix("ours\n").splitlines()) for answer in answers)
    of_socat_itself = re.compile("SOCAT_(VERSION|PID|PPID)=")
    expected = {line for line in theirs if not of_socat_itself.match(line)}
    assert found == expected
    assert len(expected) == (8 if family == socket.AF_INET else 7)


def test_every_fact_of_the_packet_is_in_the_environment(host1: Host, host2: Host) -> None:
    inherited = ["env", "MCAST_NUMBER=stale", "SOCAT_PEERADDR=stale", "SOCAT_IP_OPTIONS=stale"]
    argv = [
        *inherited,
        *COMMAND,
        "serve",
        "224.1.0.1%eth0:6666",
        "--shell",
        "env | grep -E '^(MCAST|SOCAT)_'",
    ]
    with Program(host1, argv) as server:
        server.errors.wait(lambda: READY.encode() in server.errors.data, READY)
        with client(host2) as asker:
            asker.sendto(b"hello", ("224.1.0.1", 6666))
            port = asker.getsockname()[1]
            found = dict(line.split("=", 1) for line in asker.recv(65_535).decode().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", found.pop("MCAST_TIME"))
    assert {name: value for name, value in found.items() if name.startswith("MCAST_")} == {
        "MCAST_NUMBER": "1",
        "MCAST_KERNEL_TIME": "1",
        "MCAST_SOURCE": "192.168.10.2",
        "MCAST_SOURCE_PORT": str(port),
        "MCAST_DESTINATION": "224.1.0.1",
        "MCAST_PROTOCOL": "17",
        "MCAST_DESTINATION_PORT": "6666",
        "MCAST_ADDRESSED": "multicast",
        "MCAST_INTERFACE": "eth0",
        "MCAST_IFINDEX": str(host1.ifindex),
        "MCAST_LOCAL_ADDRESS": "192.168.10.1",
        "MCAST_HOP_LIMIT": "1",
        "MCAST_TRAFFIC_CLASS": "0",
        "MCAST_LENGTH": "5",
        "MCAST_TRUNCATED": "0",
        "MCAST_OWN": "0",
        "MCAST_REFUSED": "0",
    }
    assert "stale" not in found.values()


def test_the_command_inherits_three_descriptors_and_nothing_else(host1: Host, host2: Host) -> None:
    ours = [*COMMAND, "serve", "192.168.10.1:6666", "--", "ls", "/proc/self/fd"]
    with Program(host1, ["sh", "-c", 'exec 7</dev/null 8>&1; exec "$@"', "sh", *ours]) as server:
        server.errors.wait(lambda: READY.encode() in server.errors.data, READY)
        with client(host2) as asker:
            asker.sendto(b"", ("192.168.10.1", 6666))
            assert asker.recv(1000).split() == [b"0", b"1", b"2", b"3"]  # 3: the folder that ls reads


def test_what_a_command_complains_never_reaches_the_terminal_raw(host1: Host, host2: Host) -> None:
    with started(host1, "serve", "192.168.10.1:6666", "--shell", "cat >&2", until=READY) as server:
        with client(host2) as asker:
            asker.sendto(b"\x1b]0;owned\a\xff\n", ("192.168.10.1", 6666))
        server.errors.wait(lambda: b"owned" in server.errors.data, "the complaint")
        assert "command: ␛]0;owned␇·" in server.errors.data.decode()
        assert not set(server.errors.data) & {0x1B, 0x07, 0xFF}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_it_leaves_its_group_and_no_process(
    host1: Host, host2: Host, number: int, status: int
) -> None:
    nap = f"31340.{os.getpid()}"  # as no other process on this machine sleeps
    command = f"echo $$ >&2; (setsid sleep {nap}1 &) ; sleep {nap}2 & sleep {nap}3"
    with started(host1, "serve", "224.1.0.1%eth0:6666", "--shell", command, until=READY) as server:
        with client(host2) as asker:
            asker.sendto(b"", ("224.1.0.1", 6666))
        server.errors.wait(lambda: b"command: " in server.errors.data, "the command's pid")
        server.process.send_signal(number)
        assert "1 unfinished" in summary(server)
        assert server.process.returncode == status
    assert nap not in host1.run(["ps", "ax", "-o", "args"]).stdout
    assert "224.1.0.1" not in host1.run(["ip", "maddress"]).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_impatient_person_does_not_keep_it_from_ending_its_commands(
    host1: Host, host2: Host, number: int
) -> None:
    command = "trap 'echo asked >&2' TERM; echo $$ >&2; while :; do sleep 600 & wait; done"
    with started(host1, "serve", "192.168.10.1:6666", "--shell", command, until=READY) as server:
        with client(host2) as asker:
            asker.sendto(b"", ("192.168.10.1", 6666))
        server.errors.wait(lambda: re.search(rb"command: \d+\n", server.errors.data), "the command's pid")
        pid = int(re.search(rb"command: (\d+)\n", server.errors.data)[1])
        server.process.send_signal(number)
        server.errors.wait(lambda: b"asked" in server.errors.data, "the first signal's effect")
        server.process.send_signal(number)
        assert "1 unfinished" in summary(server)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_command_abandons_is_ended_while_we_go_on(host1: Host, host2: Host) -> None:
    nap = f"31341.{os.getpid()}"  # as no other process on this machine sleeps
    command = f"(setsid sleep {nap} >&- &); echo done"
    with (
        started(host1, "serve", "192.168.10.1:6666", "--shell", command, until=READY),
        client(host2) as asker,
    ):
        asker.sendto(b"", ("192.168.10.1", 6666))
        assert asker.recv(100) == b"done\n"
        found = host1.run(
            [
                "sh",
                "-c",
                f"for i in $(seq 500); do pgrep -f '^sleep {nap}' || exit 0; sleep .02; done; exit 1",
            ]
        )
    assert found.returncode == 0


def test_a_child_that_it_had_before_is_left_alone(host1: Host, host2: Host) -> None:
    """As of a shell that started something else in the background, and then became us."""
    line = 'sleep 600 <&- >&- 2>&- & echo $!; exec "$@"'
    command = ["sh", "-c", line, "sh", *COMMAND, "serve", "192.168.10.1:6666", "--shell", ABANDONS]
    with Program(host1, command) as server:
        server.errors.wait(lambda: READY.encode() in server.errors.data, READY)
        sibling = int(server.output.data)
        try:
            with client(host2) as asker:
                asker.sendto(b"", ("192.168.10.1", 6666))
                abandoned = int(asker.recv(100))
            server.process.send_signal(signal.SIGTERM)
            assert "1 reply sent" in summary(server)
            os.kill(abandoned, signal.SIGKILL)  # it is still there, as is the other
        finally:
            os.kill(sibling, signal.SIGKILL)


ABANDONS = "(setsid sh -c 'echo $$; exec sleep 600 <&- >&- 2>&-' &) | head -n 1"


def test_a_parent_that_ignores_the_end_of_children_does_not_matter(host1: Host, host2: Host) -> None:
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [
        sys.executable,
        "-c",
        ignoring,
        *COMMAND,
        "serve",
        "192.168.10.1:6666",
        "-c",
        "1",
        "--",
        "hostname",
    ]
    with Program(host1, command) as server:
        server.errors.wait(lambda: READY.encode() in server.errors.data, READY)
        with client(host2) as asker:
            asker.sendto(b"", ("192.168.10.1", 6666))
            assert asker.recv(100) == b"host1\n"
        assert "1 request served, 1 reply sent" in summary(server)


def test_what_numpy_is_told_no_command_hears(host1: Host, host2: Host) -> None:
    clean = ["env", "-u", "OPENBLAS_NUM_THREADS", *COMMAND, "serve", "192.168.10.1:6666"]
    with Program(host1, [*clean, "-c", "1", "--shell", "echo ${OPENBLAS_NUM_THREADS-nothing}"]) as server:
        server.errors.wait(lambda: READY.encode() in server.errors.data, READY)
        with client(host2) as asker:
            asker.sendto(b"", ("192.168.10.1", 6666))
            assert asker.recv(100) == b"nothing\n"


def test_a_count_ends_it_and_verbose_tells_each_request(host1: Host, host2: Host) -> None:
    options = ["-v", "--count", "2", "--reply", "line", "--shell", 'cat; test "$MCAST_NUMBER" = 1']
    with started(host1, "serve", "192.168.10.1:6666", *options, until=READY) as server:
        with client(host2) as asker:
            for payload in (b"a\nb\n", b"c\n"):
                asker.sendto(payload, ("192.168.10.1", 6666))
                for line in payload.splitlines(keepends=True):
                    assert asker.recv(100) == line
        summed_up = summary(server)
        assert server.process.returncode == 0
        told = server.errors.data.decode().splitlines()
    assert re.match(r"request 1 from 192\.168\.10\.2 port \d+: its command ended well, 2 replies, ", told[-3])
    assert "its command ended with status 1, 1 replies, " in told[-2]
    assert summed_up.startswith("1 request served, 3 replies sent, 1 failed")


@requires("socat")
def test_socats_server_of_example_1_and_ours_answer_alike(lab: Lab) -> None:
    theirs = socat(
        lab.host(1),
        "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.1,fork",
        "SYSTEM:read x; hostname",
    )
    ours = started(lab.host(2), "serve", "224.1.0.1%eth0:6666", "--", "hostname", until=READY)
    with theirs, ours, client(lab.host(3)) as asker:
        asker.sendto(b"\n", ("224.1.0.1", 6666))
        assert {asker.recv(100) for _ in range(2)} == {b"host1\n", b"host2\n"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["224.1.0.1:6666"], "Write it last"),
        (["224.1.0.1:6666", "--"], "Write it last"),
        (["--", "hostname"], "there is none"),
        (["224.1.0.1:6666", "--shell", "ls", "--", "ls"], "not both"),
        (["224.1.0.1:6666", "--", "no-such-command"], "ENOENT"),
        (["224.1.0.1:6666", "--", "/etc/passwd"], "Make it executable"),
        (["192.168.10.2:6666", "--", "true"], "not an address of this host"),
        (["192.168.10.1%lo:6666", "--", "true"], "not an address of lo"),
        (["192.168.10.1%eth9:6666", "--", "true"], "no such interface"),
        (["224.1.0.1:6666", "--reply", "word", "--", "true"], "--reply"),
        (["224.1.0.1:6666", "--timeout", "0", "--", "true"], "--timeout"),
        (["224.1.0.1:6666", "--max-children", "0", "--", "true"], "--max-children"),
        (["224.1.0.1:6666", "--queue", "0", "--", "true"], "--queue"),
        (["224.1.0.1:6666", "--no-such-option", "--", "true"], "--no-such-option"),
    ],
)
def test_words_that_make_no_sense_are_refused_before_anything_is_joined(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from mcast_tui.cli.main import main

    assert main(["serve", *words]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "listening" not in shown


def test_its_help_names_the_command_and_imports_neither_textual_nor_numpy(host1: Host) -> None:
    script = (
        "import sys; from mcast_tui.cli.main import main; main(['serve', '--help']); "
        "print({'textual', 'numpy', 'asyncio'} & set(sys.modules))"
    )
    done = host1.run([COMMAND[0], "-c", script])
    assert "[-- COMMAND...]" in done.stdout
    assert done.stdout.endswith("set()\n")
    assert run_on(host1, "serve").returncode == 2
