"""The parts of ``serve``: output cut into datagrams, bounded memory, and commands started and ended."""

from __future__ import annotations

import asyncio
import os
import resource
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.errors import McastError, UsageError
from mcast_tui.services.process.children import Children
from mcast_tui.services.process.command import Command, find_command, shell_command
from mcast_tui.services.serve.complaints import Ration
from mcast_tui.services.serve.environment import inherited_environment
from mcast_tui.services.serve.replies import Mode, cutter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mcast_tui.services.process.child import Child

LIMIT = 50
PATIENCE_S = 10.0
CAT = find_command(["cat"])


def cut(mode: Mode, pieces: list[bytes]) -> tuple[list[bytes], int]:
    """Return the datagrams of an output that is read in these pieces, and how many were too long."""
    made = cutter(mode, LIMIT)
    answers = [answer for piece in pieces for answer in made.feed(piece)]
    return answers + made.end(), made.too_long


@given(st.lists(st.binary(min_size=1, max_size=40)))
def test_a_whole_answer_is_everything_or_too_long(pieces: list[bytes]) -> None:
    everything = b"".join(pieces)
    expected = ([everything] if 0 < len(everything) <= LIMIT else [], int(len(everything) > LIMIT))
    assert cut(Mode.WHOLE, pieces) == expected


@given(st.lists(st.binary(min_size=1, max_size=40).map(lambda data: data.replace(b"\0", b"\n"))))
def test_lines_are_the_same_however_they_are_read(pieces: list[bytes]) -> None:
    lines = [line + b"\n" for line in b"".join(pieces).split(b"\n")]
    lines[-1] = lines[-1].removesuffix(b"\n")
    fitting = [line for line in lines if 0 < len(line) <= LIMIT]
    assert cut(Mode.LINE, pieces) == (fitting, sum(len(line) > LIMIT for line in lines))


@pytest.mark.parametrize("mode", Mode)
def test_output_without_end_is_never_kept(mode: Mode) -> None:
    made = cutter(mode, 65_507)
    for _ in range(1000):
        for answer in made.feed(bytes(4096)):
            assert len(answer) <= 65_507
        assert len(made._kept) <= 65_507


def test_a_ration_says_how_much_it_kept_back() -> None:
    told: list[str] = []
    ration = Ration(told.append, per_s=3)
    for number in range(10):
        ration.tell(str(number))
    ration.flush()
    assert told == ["0", "1", "2", "(7 more lines like these not shown)"]


def test_what_tells_of_another_request_is_not_inherited() -> None:
    ours = {"PATH": "/bin", "MCAST_SOURCE": "1.2.3.4", "SOCAT_PID": "1", "MCAST_TUI_INTERFACE": "eth1"}
    assert inherited_environment(ours) == {"PATH": "/bin", "MCAST_TUI_INTERFACE": "eth1"}


# -- commands


@asynccontextmanager
async def children() -> AsyncIterator[tuple[Children, int]]:
    running = Children()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        yield running, nowhere
    finally:
        await running.close()
        os.close(nowhere)


async def output(child: Child) -> bytes:
    """Read what a command prints, to the end."""
    said = b""
    assert child.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                data = os.read(child.stdout, 1 << 16)
            except BlockingIOError:
                await asyncio.sleep(0.005)
                continue
            if not data:
                await child.ended()
                return said
            said += data


async def test_an_input_longer_than_a_pipe_is_written_as_it_is_read() -> None:
    payload = os.urandom(300_000)
    async with children() as (running, nowhere):
        child = await running.launch(CAT, os.environ, nowhere, payload=payload)
        assert await output(child) == payload
        assert running.collect(child) == 0


async def test_a_command_that_stops_reading_is_no_error() -> None:
    async with children() as (running, nowhere):
        command = shell_command("head -c 10; exec <&-; sleep 0.05; echo; echo end")
        child = await running.launch(command, os.environ, nowhere, payload=bytes(300_000))
        assert await output(child) == bytes(10) + b"\nend\n"
        assert running.collect(child) == 0


async def test_where_there_is_no_pidfd_the_end_is_noticed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    async with children() as (running, nowhere):
        child = await running.launch(shell_command("exit 7"), os.environ, nowhere, payload=b"")
        async with asyncio.timeout(PATIENCE_S):
            await child.ended()
        assert running.collect(child) == 7


async def test_where_proc_lists_no_children_they_are_found_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mcast_tui.services.process import tree as process_tree

    async with children() as (running, nowhere):
        command = shell_command("sleep 31342 & echo $!; wait")
        child = await running.launch(command, os.environ, nowhere, payload=b"")
        assert child.stdout is not None
        said = b""
        async with asyncio.timeout(PATIENCE_S):
            while not said.endswith(b"\n"):
                await asyncio.sleep(0.005)
                try:
                    said += os.read(child.stdout, 100)
                except BlockingIOError:
                    continue
        assert process_tree.children(child.pid) == [int(said)]
        monkeypatch.setattr(process_tree, "_lists_children", lambda: False)
        assert process_tree.children(child.pid) == [int(said)]


async def test_a_command_ends_politely_when_it_may() -> None:
    async with children() as (running, nowhere):
        command = shell_command("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done")
        child = await running.launch(command, os.environ, nowhere, payload=b"")
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    assert os.read(child.stdout, 100) == b"ready\n"
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.005)
        assert await running.end(child, grace_s=PATIENCE_S) == 5


async def test_a_command_that_is_not_ours_to_end_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from mcast_tui.services.process import child as of_child

    monkeypatch.setattr(of_child, "send_signal", lambda *_: None)  # as if it had become another user
    monkeypatch.setattr(of_child, "KILLED_WITHIN_S", 0.05)
    async with children() as (running, nowhere):
        child = await running.launch(shell_command("read word; exit 3"), os.environ, nowhere)
        assert await running.end(child, grace_s=0.05) is None
        async with asyncio.timeout(PATIENCE_S):
            await child.ended()  # its input is closed by now
        assert child.status == 3
        assert len(running) == 0


async def test_too_many_files_are_told_with_what_helps() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with children() as (running, nowhere):
        resource.setrlimit(resource.RLIMIT_NOFILE, (nowhere + 2, hard))  # room for one end of a pipe
        try:
            with pytest.raises(McastError, match=r"EMFILE.*ulimit -n"):
                await running.launch(CAT, os.environ, nowhere, payload=b"")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert len(running) == 0


async def test_what_the_kernel_cannot_run_is_told_with_what_helps(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("echo no first line\n")
    for mode, said in ((0o755, "ENOEXEC.*#!/bin/sh"), (0o644, "EACCES.*executable")):
        script.chmod(mode)
        async with children() as (running, nowhere):
            with pytest.raises(McastError, match=said):
                await running.launch(Command(str(script), ("script",)), os.environ, nowhere, payload=b"")


def test_a_command_is_looked_up_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    assert find_command(["sh", "-c", "x"]).arguments == ("sh", "-c", "x")
    for words in ([], [""], ["no-such-command"], [str(tmp_path / "plain")]):
        with pytest.raises(UsageError):
            find_command(words)
