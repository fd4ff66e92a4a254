"""``mcast-tui chat`` among real socat peers: every line seen by everyone, the app's commands obeyed."""

from __future__ import annotations

import signal
import subprocess
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.plain_chat import PlainChat
from tests.cli.commands import COMMAND, lines, run_on, started, wait_lines
from tests.peers import PATIENCE_S, Output, socat, socat_peer, tcpdump_on

if TYPE_CHECKING:
    from pathlib import Path

    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = "224.1.0.1%eth0:6666"


@pytest.mark.parametrize(
    ("endpoint", "group"),
    [(CHAT, "224.1.0.1"), ("broadcast%eth0:6666", "broadcast"), ("[ff02::4d43%eth0]:6666", "ff02::4d43")],
)
def test_every_line_is_seen_by_everyone(lab: Lab, endpoint: str, group: str) -> None:
    with (
        started(lab.host(1), "chat", endpoint) as chat,
        socat_peer(lab.host(2), group) as two,
        socat_peer(lab.host(3), group) as three,
        tcpdump_on(lab.host(3)) as wire,
    ):
        chat.write(b"from the chat\n")
        assert two.hears("from the chat")
        assert three.hears("from the chat")
        two.say("from two")
        assert three.hears("from two")
        three.say("from three")
        assert two.hears("from three")
        said = wait_lines(chat, 2)
        seen = wire.packets(3)
    assert [line.split(": ", 1)[1] for line in said] == ["from two", "from three"]
    assert seen[0].payload == b"from the chat\n"
    assert {packet.source_port for packet in seen} == {6666}


def test_a_line_names_who_said_it_to_whom(host1: Host, host2: Host) -> None:
    with started(host1, "chat", CHAT) as chat, socat_peer(host2) as peer:
        peer.say("hello")
        [line] = wait_lines(chat, 1)
    assert line.endswith(" 192.168.10.2 to 224.1.0.1:6666: hello")


def test_a_pipe_is_sent_line_by_line_and_ends_it(host1: Host, host2: Host) -> None:
    with socat_peer(host2) as peer:
        done = run_on(host1, "chat", CHAT, stdin="one\ntwo\n")
        assert peer.hears("one")
        assert peer.hears("two")
    assert done.returncode == 0
    assert done.stdout == ""


def test_text_that_begins_with_a_slash_is_sent_when_doubled(host1: Host, host2: Host) -> None:
    with socat_peer(host2) as peer:
        run_on(host1, "chat", CHAT, stdin="//etc/hosts\n")
        assert peer.hears("/etc/hosts")


def test_bytes_that_are_no_utf8_leave_as_they_came(host1: Host, host2: Host) -> None:
    with started(host1, "chat", CHAT) as chat, tcpdump_on(host2) as wire:
        chat.write(b"\xff\xfe\x00 raw\n")
        [seen] = wire.packets(1)
    assert seen.payload == b"\xff\xfe\x00 raw\n"


def test_hostile_lines_are_shown_and_not_run(host1: Host, host2: Host) -> None:
    with started(host1, "chat", CHAT) as chat, socat_peer(host2) as peer:
        peer.write("\x1b]0;pwned\x07 \u202e [bold]x[/]\n".encode())
        [line] = wait_lines(chat, 1)
    assert line.isprintable()
    assert "[bold]x[/]" in line
    assert line.endswith("[escapes shown, not run]")


def test_commands_join_leave_and_say_where_lines_go(host1: Host, host2: Host) -> None:
    with started(host1, "chat", CHAT) as chat, socat_peer(host2, "239.1.1.1", 7000) as peer:
        chat.write(b"/join 239.1.1.1:7000 if eth0\n")
        chat.errors.wait(lambda: b"your lines go to 239.1.1.1:7000" in chat.errors.data, "the new target")
        chat.write(b"/ttl 3\nhello there\n")
        assert peer.hears("hello there")
        chat.write(b"/leave\n")
        chat.errors.wait(lambda: b"Left 239.1.1.1:7000" in chat.errors.data, "having left")
        chat.write(b"/quit\n")
        assert chat.ended() == 0
    assert lines(chat.output) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/jion 224.1.0.2", "/join"),
        ("/join 192.168.10.7", "unicast"),
        ("/ttl 256", "255"),
        ("/join x:0", "error"),
    ],
)
def test_what_cannot_be_obeyed_says_what_would_be_right(host1: Host, line: str, words: str) -> None:
    done = run_on(host1, "chat", CHAT, "-l", "0", stdin=f"{line}\n")
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.own_lab
def test_a_line_the_network_refuses_ends_with_its_status(host1: Host) -> None:
    with started(host1, "chat", CHAT) as chat:
        host1.run(["ip", "link", "set", "eth0", "down"])
        chat.write(b"into the void\n")
        chat.errors.wait(lambda: b"down" in chat.errors.data, "the reason")
        chat.write(b"/quit\n")
        assert chat.ended() == 4


def test_a_group_the_kernel_does_not_give_ends_with_its_status(host1: Host) -> None:
    with socat(host1, "-u", "UDP4-RECV:7000", "STDIO"):
        done = run_on(host1, "chat", CHAT, "-l", "0", stdin="/join 239.1.1.1:7000 if eth0\n/ttl 2\n")
    assert "Cannot open 0.0.0.0:7000" in done.stderr
    assert done.returncode == 4


@pytest.mark.parametrize("more", ["bind=:7777", "ip-add-membership=224.9.9.9:eth0"])
def test_lines_never_go_elsewhere_than_a_socat_address_says(host1: Host, more: str) -> None:
    done = run_on(host1, "chat", f"UDP4-DATAGRAM:224.1.0.1:6666,{more}", stdin="hello\n")
    assert done.returncode == 2
    assert "sends to 224.1.0.1:6666" in done.stderr


def test_a_file_is_paced_and_a_signal_ends_it(host1: Host, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("a line\n" * 1_000_000)
    with file.open() as stdin:
        chat = host1.popen([*COMMAND, "chat", CHAT], stdin=stdin, stderr=subprocess.PIPE, bufsize=0)
    errors = Output(chat.stderr, "chat (stderr)")
    errors.wait(lambda: b"listening to" in errors.data, "listening")
    chat.send_signal(signal.SIGTERM)
    assert chat.wait(PATIENCE_S) == 143
    chat.stderr.close()


async def test_lines_that_came_too_fast_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    counts = iter([0, 7, 7, 10])
    chat = SimpleNamespace(poll=lambda: None, pane=lambda _: None, skipped=lambda: next(counts))
    plain = PlainChat(SimpleNamespace(chat=chat, groups=(), explainer=SimpleNamespace()))
    for _ in range(4):
        plain._print_new()
    said = capsys.readouterr()
    assert [line.split(" datagrams skipped")[0] for line in said.err.splitlines()] == ["7", "3"]
    assert said.out == ""


def test_help_lists_every_command(host1: Host) -> None:
    done = run_on(host1, "chat", CHAT, "-l", "0", stdin="/help\n/help join\n")
    assert "/msg ADDRESS" in done.stderr
    assert done.stderr.count("/join GROUP") == 2


def test_the_app_talks_in_plain_lines_where_there_is_no_terminal(host1: Host, host2: Host) -> None:
    with socat_peer(host2) as peer:
        done = run_on(host1, CHAT, stdin="no screen here\n")
        assert peer.hears("no screen here")
    assert done.returncode == 0
    assert "no terminal to draw on" in done.stderr


def test_without_a_terminal_and_without_a_group_there_is_nothing_to_do(host1: Host) -> None:
    done = run_on(host1)
    assert done.returncode == 2
    assert "mcast-tui chat 224.1.0.1:6666" in done.stderr


@pytest.mark.own_lab
def test_an_interface_that_is_gone_is_named_and_ends_with_the_networks_status(host1: Host) -> None:
    with started(host1, "chat", CHAT) as chat:
        host1.run(["ip", "link", "delete", "eth0"])
        chat.write(b"into the void\n")
        chat.errors.wait(lambda: b"error: " in chat.errors.data, "the reason")
        assert b"eth0" in chat.errors.data
        chat.write(b"/quit\n")
        assert chat.ended() in {2, 4}
