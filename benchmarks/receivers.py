"""Everything that receives the same traffic side by side: ours, the C loop, and what others wrote."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import programs

if TYPE_CHECKING:
    from collections.abc import Callable

PORT = 6666
GROUPS = {4: "239.1.2.3", 6: "ff15::1:2:3"}
RECEIVE_BUFFER = 8 << 20
"""The app's default, for ours, the C loops and the Python loop alike. The others have the kernel's."""
PAUSE_US = "1000"
"""Our receiver's pause, for the C loop that pauses as well."""
PATIENCE_S = "30"


@dataclass(frozen=True)
class Receiver:
    """A program that receives GROUP:PORT on an interface, and how to learn how much."""

    name: str
    command: Callable[[int, str], list[str]]
    """Family and interface -> what to run."""
    program: str | None = None
    """To be found in PATH; None when it is our own."""
    reports: str = ""
    """How it tells what it received: ``json`` at its end, ``tcpdump`` when interrupted, else the kernel."""
    families: tuple[int, ...] = (4,)
    settle_s: float = 0.0
    """How long it may sit on the last packets before it takes them."""

    @property
    def is_installed(self) -> bool:
        return self.program is None or shutil.which(self.program) is not None


def _ours(*options: str) -> Callable[[int, str], list[str]]:
    def command(family: int, interface: str) -> list[str]:
        group = GROUPS[family] if family == 4 else f"[{GROUPS[family]}]"
        buffer = ("--receive-buffer", str(RECEIVE_BUFFER))
        return programs.python("receive_child.py", group, str(PORT), interface, PATIENCE_S, *buffer, *options)

    return command


def _c_loop(*options: str) -> Callable[[int, str], list[str]]:
    def command(family: int, interface: str) -> list[str]:
        program = str(programs.build("recvmmsg_loop"))
        return [program, GROUPS[family], str(PORT), interface, PATIENCE_S, str(RECEIVE_BUFFER), *options]

    return command


def _recvmsg(_family: int, interface: str) -> list[str]:
    return programs.python("recvmsg_loop.py", GROUPS[4], str(PORT), interface, str(RECEIVE_BUFFER))


def _socat(_family: int, interface: str) -> list[str]:
    join = f"UDP4-RECV:{PORT},bind={GROUPS[4]},ip-add-membership={GROUPS[4]}:{interface}"
    return ["socat", "-u", join, "STDOUT"]


def _mcjoin(_family: int, interface: str) -> list[str]:
    return ["mcjoin", "-o", "-i", interface, f"{GROUPS[4]}:{PORT}"]


def _tcpdump(_family: int, interface: str) -> list[str]:
    return ["tcpdump", "-Z", "root", "-n", "-i", interface, "-w", "/dev/null", f"udp port {PORT}"]


OURS, C_LOOP, C_PAUSING = "mcast-tui", "C recvmmsg", "C recvmmsg, pausing"
PAIRED = (
    Receiver(OURS, _ours(), reports="json", families=(4, 6)),
    Receiver(C_LOOP, _c_loop(), reports="json", families=(4, 6)),
    Receiver(C_PAUSING, _c_loop(PAUSE_US), reports="json", families=(4, 6)),
)
OTHERS = (
    Receiver("Python socket.recvmsg", _recvmsg),
    Receiver("socat", _socat, "socat"),
    Receiver("mcjoin", _mcjoin, "mcjoin"),
    # libpcap lets the kernel collect packets for up to a second before it wakes up.
    Receiver("tcpdump -w /dev/null", _tcpdump, "tcpdump", reports="tcpdump", settle_s=1.2),
)


def captured(said: bytes) -> int:
    """Return how many packets tcpdump says it captured."""
    found = re.search(rb"(\d+) packets? captured", said)
    if found is None:
        raise ValueError(f"tcpdump said {said[-300:]!r}")
    return int(found[1])
