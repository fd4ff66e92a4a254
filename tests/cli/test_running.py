"""How a headless verb reads its input: a line at a time, and never held up by a terminal."""

from __future__ import annotations

import os
import pty
import termios
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.running import CHUNK, _read_terminal, input_lines

if TYPE_CHECKING:
    from collections.abc import Iterator


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
