"""``mcast-tui explain``, and sources and explanations in the chat as plain lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.main import main
from mcast_tui.services.membership.topics import TOPICS
from tests.cli.commands import lines, main_on, started, wait_lines
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

GROUP = "224.1.0.1%eth0:6666"


def test_it_lists_every_topic_and_explains_one_within_the_width(capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in listed] == [topic.name for topic in TOPICS]
    assert max(map(len, listed)) <= 80
    assert main(["explain", "mac", "aliases"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert "RFC 1112 section 6.4" in " ".join(told)
    assert 60 < max(map(len, told)) <= 80


def test_an_unknown_topic_is_a_usage_error_with_the_nearest(capsys) -> None:
    assert main(["explain", "snoping"]) == 2
    assert "Did you mean 'snooping'?" in capsys.readouterr().err


def test_the_plain_chat_changes_sources_and_explains_it(host1: Host) -> None:
    with started(host1, "chat", GROUP) as chat:

        def say(line: str, until: str) -> str:
            before = len(chat.errors.data)
            chat.write(line.encode() + b"\n")
            chat.errors.wait(lambda: until.encode() in chat.errors.since(before), until)
            return chat.errors.since(before).decode()

        say("/block 192.168.10.2", "224.1.0.1:6666 now has EXCLUDE {192.168.10.2}.")
        told = say("/explain", "inferred, by the standard that is named")
        assert "You said: block 192.168.10.2, of 224.1.0.1 on eth0." in told
        assert "The socket's filter was EXCLUDE {}, and is EXCLUDE {192.168.10.2}." in " ".join(told.split())
        assert max(map(len, told.splitlines())) <= 80
        say("/source only 192.168.10.3", "now has INCLUDE {192.168.10.3}.")
        say("/block 192.168.10.2", "/source drop 192.168.10.2 says it for such a group.")
        say("/explain ssm", "Source-specific multicast")
        say("/explain nothing-like-it", "there is no such topic")


def test_listen_keeps_out_whom_it_is_told_to_block(lab: Lab) -> None:
    host1, host2, host3 = (lab.host(number) for number in (1, 2, 3))
    blocking = "-i", "eth0", "224.1.0.1", "--block", "192.168.10.2"
    with started(host1, "listen", *blocking, until="EXCLUDE {192.168.10.2}") as listening:
        send_from(host2, b"blocked")
        send_from(host3, b"heard")
        wait_lines(listening, 1)
        send_from(host2, b"blocked still")
        send_from(host3, b"heard again")
        assert all("192.168.10.3" in line for line in wait_lines(listening, 2))
        assert len(lines(listening.output)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["224.1.0.1", "--block", "fd00::1"], "no group of its family"),
        (["broadcast", "--block", "192.168.10.2"], "--range goes with broadcast"),
        (["192.168.10.2,232.1.1.1", "--block", "192.168.10.2"], "heard from any source"),
        (["224.1.0.1", "--source", "192.168.10.2", "--block", "192.168.10.3"], "heard from any source"),
        (["224.1.0.1", "--block", "239.1.1.1"], "not the address of one host"),
        (["224.1.0.1", "--block", "nobody"], "source"),
    ],
)
def test_a_block_that_could_only_be_ignored_is_refused(host1: Host, arguments, words) -> None:
    done = main_on(host1, "listen", "-i", "eth0", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
