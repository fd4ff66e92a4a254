"""A document whose console blocks are run as they stand, in one shell on a fresh virtual LAN.

    ```console
    host1$ on 2 mcast-tui serve 224.1.0.1:6666 -- hostname &
    serving 224.1.0.1:6666 on eth0
    host1$ mcast-tui query 224.1.0.1:6666 --count 1 hello
    192.168.10.2:6666  0.412 ms  ttl 64  host2
    ```

A line after the prompt is typed; the lines after it are what must appear, on standard output or
standard error, in any order, before the next line is typed. What differs from run to run - times,
ports the kernel chose - is compared as a word that stands for it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.peers import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMPT = "host1$ "
DONE = "<line %d is done>"
_VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"), "<time>"),
    (re.compile(r"\d\d:\d\d:\d\d(\.\d{6})?"), "<clock>"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d <clock> \d{4}, +\d+ usecs"), "<date>"),
    (re.compile(r"\d+(\.\d+)? ?(ns|µs|us|ms|s)\b"), "<duration>"),
    (re.compile(r"(?<=[:= ])(3[2-9]\d{3}|[45]\d{4}|60\d{3})\b"), "<port>"),  # ip_local_port_range
    (re.compile(r"(?<=PID=)'?\d+'?"), "<pid>"),
    (re.compile(r"(?<=serving with )/\S*/"), ""),
    (re.compile(r"(?<=at most )\d+(?= at once)"), "<twice the cores>"),
    (re.compile(r" {2,}"), "  "),  # columns widen with what stands in them
)


@dataclass
class Step:
    """One typed line, and what is printed because of it."""

    command: str
    output: list[str] = field(default_factory=list)


def steps_of(document: str) -> Iterator[Step]:
    """Yield the steps of every console block, in order."""
    for block in re.findall(r"^```console\n(.*?)^```", document, re.MULTILINE | re.DOTALL):
        step: Step | None = None
        for line in block.splitlines():
            if line.startswith(PROMPT):
                if step is not None:
                    yield step
                step = Step(line.removeprefix(PROMPT))
            elif step is not None:
                step.output.append(line)
        if step is not None:
            yield step


def greeting_of(document: str) -> list[str]:
    """Return what stands under the line that opens the shell."""
    found = re.search(r"^\$ mcast-tui lab shell\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1].splitlines()


def comparable(lines: list[str]) -> list[str]:
    """Return the lines with what varies replaced, sorted: two programs' lines come in any order."""
    return sorted(map(_without_what_varies, lines))


def _without_what_varies(line: str) -> str:
    for pattern, word in _VARIES:
        line = pattern.sub(word, line)
    return line.rstrip()


class LabShell:
    """``mcast-tui lab shell`` with a bash that reads its lines from us; a context manager that ends it."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mcast_tui", "lab", "shell", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"SHELL": "/bin/bash", "LC_ALL": "C.UTF-8", "TZ": "UTC", "COLUMNS": "120"},
            bufsize=0,
        )
        assert self._process.stdout is not None
        self._output = Output(self._process.stdout, "mcast-tui lab shell")
        self._typed = 0
        self._seen = 0
        self.greeting = self._until_done(":", [])

    def run(self, step: Step) -> list[str]:
        """Type the step's line; return what was printed when it was done and as many lines as it has came."""
        return self._until_done(step.command, step.output)

    def _until_done(self, command: str, expected: list[str]) -> list[str]:
        assert self._process.stdin is not None
        self._typed += 1
        done = DONE % self._typed
        quiet = command if {"|", "<"} & set(command) else f"{{ {_ended(command)} }} </dev/null"
        self._process.stdin.write(f"{quiet}\nprintf '%s\\n' '{done}'\n".encode())

        def is_whole() -> bool:
            lines = self._lines()
            return done in lines and len(lines) > len(expected)

        self._output.wait(is_whole, f"{command!r} and then {expected}")
        lines = self._lines()
        self._seen += len("".join(f"{line}\n" for line in lines).encode())
        lines.remove(done)
        return lines

    def _lines(self) -> list[str]:
        """Return the whole lines printed since the last step."""
        return self._output.since(self._seen).decode(errors="surrogateescape").split("\n")[:-1]

    def close(self) -> int:
        """End the shell as a person would, by the end of its input; return its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            raise
        finally:
            assert self._process.stdout is not None
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _ended(command: str) -> str:
    return command if command.endswith("&") else f"{command};"


def rewrite(path: Path) -> None:
    """Run the document and write what was printed into it, in place of what stands there.

    What goes on in the background prints in its own time: a step waits for as many lines as stand there, so
    a new one begins with a line, of whatever words, for each that it will print.
    """
    document, done = path.read_text("utf-8"), ""
    with LabShell() as shell:
        for step in steps_of(document):
            printed = shell.run(step)
            old = _text([PROMPT + step.command, *step.output])
            before, _, document = document.partition(old)
            done += before + _text([PROMPT + step.command, *printed])
    path.write_text(done + document, "utf-8")


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
