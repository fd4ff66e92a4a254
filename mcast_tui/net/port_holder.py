"""Who holds a UDP port on this host, as far as this process may see.

The sockets are in /proc/net/udp and udp6, which everybody may read; whose they are is in /proc/PID/fd,
which only their owner and root may (``proc(5)``). So an empty answer means "cannot tell", never "nobody".
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.wire.kernel_tables import parse_udp

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = ("udp", "udp6")


@dataclass(frozen=True, slots=True, order=True)
class PortHolder:
    """A process with a socket on the port."""

    pid: int
    name: str
    """The program's own name for itself; it may contain anything."""


def find_port_holders(port: int) -> tuple[PortHolder, ...]:
    """Return the processes that have UDP `port` open, by process id."""
    wanted = {f"socket:[{inode}]" for inode in _socket_inodes(port)}
    if not wanted:
        return ()
    return tuple(sorted(holder for holder in _processes() if wanted & _open_files(holder.pid)))


def _socket_inodes(port: int) -> set[int]:
    inodes: set[int] = set()
    for table in _TABLES:
        try:
            text = Path("/proc/thread-self/net", table).read_text("utf-8", "surrogateescape")
        except OSError:  # a kernel without IPv6 has no udp6
            continue
        rows = parse_udp(text, sys.byteorder).rows
        inodes.update(row.inode for row in rows if row.local_port == port)
    return inodes


def _processes() -> Iterator[PortHolder]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text("utf-8", "replace").strip()
            except OSError:  # it ended meanwhile
                continue
            yield PortHolder(int(entry.name), name)


def _open_files(pid: int) -> set[str]:
    try:
        return {_target(file) for file in Path("/proc", str(pid), "fd").iterdir()}
    except OSError:  # not ours to look into, or ended meanwhile
        return set()


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # closed meanwhile
        return ""
