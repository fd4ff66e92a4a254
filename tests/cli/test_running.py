"""How a headless verb reads its input, a line at a time, and what it says of what it joined."""

from __future__ import annotations

import errno
import os
import pty
import termios
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.running import CHUNK, _read_terminal, announce, input_lines
from mcast_tui.net import kernel
from mcast_tui.wire.address import parse_endpoint
from tests.services.nodes import node_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.lan import Host


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Return the ends of a pseudo terminal: the one somebody types at, and ours."""
    theirs, ours = pty.openpty()
    yield theirs, ours
    os.close(theirs)
    os.close(ours)


def test_a_terminal_that_was_emptied_since_it_was_ready_holds_nobody_up(terminal: tuple[int, int]) -> None:
    theirs, ours = terminal
    os.write(theirs, b"taken back\n")
    termios.tcflush(ours, termios.TCIFLUSH)  # as the terminal itself does when ctrl+c is pressed
    assert _read_terminal(ours, CHUNK) is None
    os.write(theirs, b"kept\n")
    assert _read_terminal(ours, CHUNK) == b"kept\n"
    assert os.get_blocking(ours)


async def test_lines_of_a_terminal_come_until_its_end_of_input(terminal: tuple[int, int]) -> None:
    theirs, ours = terminal
    os.write(theirs, b"one\ntwo\n\x04")
    assert [line async for line in input_lines(ours)] == [b"one", b"two"]


async def test_what_was_joined_is_announced_though_the_kernel_s_tables_cannot_be_read(
    host1: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse() -> None:
        raise PermissionError(errno.EACCES, "not for you")

    async with node_on(host1) as node:
        groups = await node.join(parse_endpoint("239.1.1.1%eth0:6666"))
        monkeypatch.setattr(kernel, "read_memberships", refuse)
        announce(node, groups)

    assert capsys.readouterr().err == "listening to 239.1.1.1:6666 on eth0\n"
