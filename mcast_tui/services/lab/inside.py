"""The lab for a person or a script: a LAN, and a way to run programs on its hosts by ``on``.

`on` and what the caller adds lie in a directory in memory that leads PATH on every host
(`memory_directory`), so shells and scripts of any kind find them, and nothing of it is on disk.
"""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.lab.memory_directory import MemoryDirectory
from mcast_tui.services.lab.namespace import enter_private_network_or_refuse

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence

PROGRAM = '#!/bin/sh\nexec {words} "$@"\n'


class Inside:
    """A LAN that programs are run on: they find ``on`` and the commands of `directory` in PATH."""

    def __init__(self, lab: Lab, directory: str) -> None:
        self.lab = lab
        self.directory = directory

    @property
    def on(self) -> str:
        """The path of ``on``, for who has another PATH; it works from outside the lab too."""
        return f"{self.directory}/on"

    def environment(self) -> dict[str, str]:
        """Return our environment as programs on host 1 get it."""
        path = f"{self.directory}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, "PATH": path, "HOSTNAME": self.lab.host(1).name}

    def start(self, argv: Sequence[str], **more: str) -> subprocess.Popen[Any]:
        """Start a program on host 1 with our streams, `more` in its environment; raises OSError."""
        return self.lab.host(1).popen(argv, env=self.environment() | more)


@contextmanager
def enter_lab(programs: Mapping[str, Sequence[str]], hosts: int, **options: Any) -> Iterator[Inside]:
    """Build a LAN and take it down when the block ends, with every process on its hosts.

    `programs` are further commands for its hosts: a name, and the words it stands for. `options`
    are those of `Lab`. This process moves into a network namespace of its own, on no host; it
    must have one thread. Raises PermissionRefused where namespaces are forbidden, and UsageError.
    """
    enter_private_network_or_refuse()
    with ExitStack() as stack:
        directory = stack.enter_context(MemoryDirectory())
        lab = stack.enter_context(Lab(hosts, **options))
        kept_by = ",".join(f"{place.name}={place.pid}" for place in (*lab.hosts, lab.switch))
        visit = [sys.executable, "-I", "-S", str(Path(__file__).with_name("visit.py"))]
        for name, words in {"on": [*visit, kept_by, directory.path], **programs}.items():
            directory.add_program(name, PROGRAM.format(words=shlex.join(words)))
        yield Inside(lab, directory.path)
