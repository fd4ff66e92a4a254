"""What starting a command costs: the small ones import neither the screen nor the columns."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.lan import Lab

SCRIPT = """
import sys
from mcast_tui.cli.main import main
status = main(sys.argv[1:])
heavy = {'textual', 'rich', 'numpy', 'asyncio', 'pyroute2', 'subprocess'} & sys.modules.keys()
sys.exit(f'status {status}, imported {sorted(heavy)}' if heavy or status else 0)
"""


COMMANDS = [
    "send 224.1.0.1%eth0:6666 hello",
    "send 224.1.0.1:6666 a b --repeat 20 --rate 1000 --tos 8 --bind 192.168.10.1",
    "send [ff02::1%eth0]:6666 six",
    "send 192.168.10.255:6666 hello",
    "send 192.168.10.1 --raw 253 hello",
    "send --help",
    "query --help",
    "--help",
]


def test_what_sends_and_what_helps_imports_nothing_heavy(make_lab: Callable[..., Lab]) -> None:
    host = make_lab(1).host(1)
    for words in COMMANDS:
        done = host.run([sys.executable, "-c", SCRIPT, *words.split()], check=False)
        assert done.returncode == 0, (words, done.stderr)
