"""Linux namespaces of the calling thread: make new ones, visit others, come back.

`namespaces(7)`. Nothing here has a name on disk: a namespace lives as long as a process or an
open descriptor refers to it. Who may make one is asked by trying it in a child process
(`isolation_refused`), because neither a user id nor a sysctl tells: AppArmor may let a user
namespace be made and then refuse everything in it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, PermissionRefused, describe_errno

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWUTS, CLONE_NEWUSER, CLONE_NEWNET = 0x0400_0000, 0x1000_0000, 0x4000_0000  # clone(2)
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)
UNKNOWN = 255  # exit status of the attempt when no errno says why
_IFREQ_FLAGS = struct.Struct("16sH14x")

_libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move the calling thread into new namespaces, `unshare(2)`; raises OSError."""
    if _libc.unshare(flags):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def setns(descriptor: int, kind: int = 0) -> None:
    """Move the calling thread into the namespace behind `descriptor`, `setns(2)`; raises OSError."""
    if _libc.setns(descriptor, kind):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def set_link(name: str, *, up: bool) -> None:
    """Set the administrative state of an interface of the thread's network namespace; raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        _, flags = _IFREQ_FLAGS.unpack(fcntl.ioctl(sock, SIOCGIFFLAGS, _IFREQ_FLAGS.pack(name.encode(), 0)))
        wanted = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS, _IFREQ_FLAGS.pack(name.encode(), wanted))


class Place:
    """The network and host name namespaces of a process, held open: they outlive it until `close`."""

    def __init__(self, process: str = "thread-self") -> None:
        """Hold the namespaces of a process id; of the calling thread when none is named."""
        self._net = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
        try:
            self._uts = os.open(f"/proc/{process}/ns/uts", os.O_RDONLY)
        except OSError:
            os.close(self._net)
            raise

    def enter(self) -> None:
        """Move the calling thread there for good; its other threads stay where they are."""
        setns(self._net, CLONE_NEWNET)
        setns(self._uts, CLONE_NEWUTS)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Move the calling thread there until the block ends; visits nest."""
        home = Place()
        try:
            self.enter()
            yield
        finally:
            home.enter()
            home.close()

    def close(self) -> None:
        """Let go of the namespaces; again is harmless."""
        for descriptor in (self._net, self._uts):
            if descriptor >= 0:
                os.close(descriptor)
        self._net = self._uts = -1


def enter_private_network() -> None:
    """Move this process into a network namespace of its own, with nothing in it but a loopback that is up.

    Without the privilege it takes a user namespace too, in which the caller is root. The
    process must have one thread: the others would stay outside. Raises McastError.
    """
    attempted = "enter a private network"
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise McastError(attempted, "the process has started threads, and they would stay outside")
    uid, gid = os.geteuid(), os.getegid()
    try:
        try:
            unshare(CLONE_NEWNET | CLONE_NEWUTS)
        except PermissionError:
            unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS)
            Path("/proc/self/setgroups").write_text("deny", "ascii")  # or gid_map may not be written
            Path("/proc/self/uid_map").write_text(f"0 {uid} 1", "ascii")
            Path("/proc/self/gid_map").write_text(f"0 {gid} 1", "ascii")
        set_link("lo", up=True)
    except OSError as error:
        raise _refusal(attempted, error.errno or 0) from error


_ATTEMPT = f"""
from {__name__} import CLONE_NEWNET, enter_private_network, unshare
try:
    enter_private_network()
    unshare(CLONE_NEWNET)
except Exception as error:
    raise SystemExit(getattr(error, "errno", None) or {UNKNOWN})
"""


def python_command(script: str, *arguments: str) -> list[str]:
    """Return the command that runs a script with this package and the standard library at hand.

    Without ``site``: it starts in half the time, from wherever this package was imported.
    """
    root = Path(__file__).parents[3]
    return [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(root)!r})\n{script}",
        *arguments,
    ]


def isolation_refused() -> McastError | None:
    """Return why this process may not have a private network, or None when it may: a child has tried.

    The child also makes a namespace inside its own, as the lab will do for each host.
    """
    try:
        tried = subprocess.run(
            python_command(_ATTEMPT), check=False, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:  # the Python we run in may be out of this user's reach
        reason = f"{sys.executable} cannot be started again: {describe_errno(error.errno or 0)}"
        return PermissionRefused("build a virtual LAN", reason, errno=error.errno)
    return _refusal("build a virtual LAN", tried.returncode) if tried.returncode else None


def enter_private_network_or_refuse() -> None:
    """Do as `enter_private_network` once a child could; raises McastError with what would help, unmoved."""
    if refused := isolation_refused():
        raise refused
    enter_private_network()


def _refusal(attempted: str, number: int) -> McastError:
    """Say which of the known locks is closed: the kernel gives one errno for several."""
    remedy, command = "Root may do it.", None
    if _setting("/proc/sys/user/max_user_namespaces") == "0" or number == errno.ENOSPC:
        remedy, command = "User namespaces are switched off.", "sysctl user.max_user_namespaces=10000"
    elif _setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
        remedy, command = "Only root may make user namespaces.", "sysctl kernel.unprivileged_userns_clone=1"
    elif _setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        remedy = "AppArmor restricts user namespaces."
        command = "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    reason = describe_errno(number) if 0 < number < UNKNOWN else "the attempt failed"
    return PermissionRefused(attempted, reason, errno=number, remedy=remedy, command=command)


def _setting(path: str) -> str | None:
    """Return what a kernel setting says; None where this kernel has no such setting."""
    try:
        return Path(path).read_text("ascii").strip()
    except OSError:
        return None
