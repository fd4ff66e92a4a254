"""A host of the lab: a namespace kept by a child process, and the programs we run in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from mcast_tui.errors import PermissionRefused, describe_errno
from mcast_tui.services.lab.namespace import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from mcast_tui.services.lab.wiring import Lan


class Anchored:
    """A namespace with a name, kept by a child process, and the processes we started in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._processes: list[subprocess.Popen[Any]] = []
        self._anchor = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("anchor.py"), name, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # ctrl+c in the owner's terminal is for the owner
        )
        self._place: Place | None = None

    @property
    def pid(self) -> int:
        """The process that keeps the namespaces: ``/proc/PID/ns/net``."""
        return self._anchor.pid

    @property
    def place(self) -> Place:
        """Its namespaces, once `settle` has returned."""
        if self._place is None:
            raise RuntimeError(f"{self.name} has not settled, or is closed")
        return self._place

    def settle(self) -> None:
        """Wait until the child is in its namespaces; raises PermissionRefused when it may not."""
        assert self._anchor.stdout is not None  # opened as a pipe above
        said = self._anchor.stdout.readline().strip()
        self._anchor.stdout.close()
        if said != b"ready":
            reason = describe_errno(int(said)) if said.isdigit() else "its process ended early"
            raise PermissionRefused(
                f"make the namespace of {self.name}", reason, errno=int(said) if said.isdigit() else None
            )
        self._place = Place(str(self.pid))

    @contextmanager
    def entered(self) -> Iterator[Self]:
        """Move the calling thread to this host until the block ends: sockets opened there live there.

        Threads and processes started inside start there and stay. `/proc/net` and `/proc/self/net`
        follow the main thread, ``/sys`` follows nobody.
        """
        with self.place.entered():
            yield self

    def popen(
        self,
        argv: Sequence[str | Path],
        **options: Any,  # as subprocess.Popen takes them
    ) -> subprocess.Popen[Any]:
        """Start a program on this host, as `subprocess.Popen` does; it ends with the lab at the latest."""
        with self.entered():
            process = subprocess.Popen(argv, **options)
        self._processes.append(process)
        return process

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        check: bool = True,
        timeout_s: float = 60,
        **options: Any,  # as subprocess.run takes them
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on this host to its end, output captured as text, as `subprocess.run` does."""
        with self.entered():
            return subprocess.run(
                argv, check=check, timeout=timeout_s, capture_output=True, text=True, **options
            )

    def close(self) -> None:
        """End everything on this host; again is harmless."""
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                _close_stream(stream)
        self._processes.clear()
        _close_stream(self._anchor.stdin)
        _close_stream(self._anchor.stdout)
        self._anchor.wait()
        if self._place is not None:
            self._place.close()
            self._place = None


class Host(Anchored):
    """One host of the lab."""

    def __init__(self, number: int, lans: tuple[Lan, ...]) -> None:
        super().__init__(f"host{number}")
        self.number = number
        self.lans = lans

    @property
    def interface(self) -> str:
        """The name of its interface on the first LAN; ``eth1`` is on the second."""
        return self.lans[0].interface

    @property
    def address4(self) -> IPv4Address:
        return self.lans[0].address4(self.number).ip

    @property
    def address6(self) -> IPv6Address:
        """Its global address; `link_local` is the other."""
        return self.lans[0].address6(self.number).ip

    @property
    def link_local(self) -> IPv6Address:
        return self.lans[0].link_local(self.number).ip

    @property
    def ifindex(self) -> int:
        """The index of `interface` on this host; raises OSError when it is gone."""
        with self.entered():
            return socket.if_nametoindex(self.interface)

    def __repr__(self) -> str:
        return f"<{self.name} {self.address4} pid {self.pid}>"


def _close_stream(stream: IO[Any] | None) -> None:
    """Close one end of a pipe whose other end may be gone."""
    if stream is not None:
        try:
            stream.close()
        except BrokenPipeError:
            return
