"""The thread of a capture, with work that only waits."""

from __future__ import annotations

import select
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from mcast_tui.net.capture_thread import CaptureThread
from tests.peers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


def waiting(name: str) -> CaptureThread:
    """Return one whose work is to wait for its end."""

    def wait() -> None:
        select.select([thread.wake_fileno], [], [])

    thread = CaptureThread(name, wait, None)
    return thread


@pytest.fixture
def threads() -> Iterator[list[CaptureThread]]:
    """Two of them, started."""
    with ExitStack() as resources:
        made = [waiting(name) for name in ("first", "second")]
        for thread in made:
            resources.callback(thread.close)
            thread.start()
        yield made


def test_the_interpreter_gets_its_interval_back_when_the_last_capture_ends(
    threads: list[CaptureThread],
) -> None:
    short = sys.getswitchinterval()
    threads[0].close()
    still = sys.getswitchinterval()
    threads[1].close()

    assert short == still < sys.getswitchinterval()


def test_a_fault_is_kept_and_told() -> None:
    told: list[BaseException] = []

    def work() -> None:
        raise RuntimeError("no")

    thread = CaptureThread("faulty", work, told.append)
    thread.start()
    wait_until(lambda: told, "the fault")
    thread.close()

    assert told == [thread.error]
