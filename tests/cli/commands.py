"""mcast-tui as a command on a lab host: started, waited for by what it says, ended."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from mcast_tui.cli.main import main
from tests.peers import Output, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.services.lab.lan import Host

COMMAND = [sys.executable, "-m", "mcast_tui"]


def run_on(host: Host, *arguments: str, stdin: str | None = "") -> subprocess.CompletedProcess[str]:
    """Run one command line to its end on `host`; stdin None is a closed one."""
    options = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return host.run([*COMMAND, *arguments], check=False, timeout_s=60, **options)


def main_on(host: Host, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Do as `run_on` within this process, for a line that reads no standard input: it need not be started."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        with host.entered(), redirect_stdout(out), redirect_stderr(err):
            status = main(list(arguments))
        printed = [stream.seek(0) or stream.read() for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, status, *printed)


@contextmanager
def started(host: Host, *arguments: str, until: str = "listening to") -> Iterator[Program]:
    """Start a command on `host`; it has said `until` on stderr when this returns."""
    with Program(host, [*COMMAND, *arguments]) as program:
        program.errors.wait(lambda: until.encode() in program.errors.data, until)
        yield program


def lines(output: Output) -> list[str]:
    """Return every whole line a command has printed so far."""
    return output.data.decode().split("\n")[:-1]


def wait_lines(program: Program, count: int) -> list[str]:
    """Wait for `count` lines on stdout and return them all."""
    program.output.wait(lambda: program.output.data.count(b"\n") >= count, f"{count} lines")
    return lines(program.output)
