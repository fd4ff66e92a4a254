"""A Unix socket that only one user can open: where the privileged tap feeds, and where it is found.

It lies in a directory that belongs to that user and to nobody else: the session's own, else one below /tmp,
made for this. Whoever owns it could be asked by anybody, so both ends look at the other's user as well
(SO_PEERCRED, ``unix(7)``). Its name has the number of the network namespace in it: a tap of another
namespace, such as a host of the lab, is not this one's.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.errors import NetworkRefused, describe_errno

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIALS = struct.Struct("@iII")  # pid, uid, gid: struct ucred
_OTHERS = 0o077
_BACKLOG = 4


def network_namespace() -> int:
    """Return the number of the calling thread's network namespace."""
    return Path("/proc/thread-self/ns/net").stat().st_ino


def open_door(namespace: int) -> tuple[socket.socket, Path]:
    """Listen where this user's readers will look; raise `NetworkRefused` where that cannot be."""
    uid = os.geteuid()
    for directory in _directories(uid):
        if directory == _own_directory(uid):
            _make(directory, uid)
        if _is_private(directory, uid):
            return _listen(directory / _name(namespace))
    raise NetworkRefused(
        "open a socket for the readers of the tap",
        f"no directory belongs to user {uid} alone",
        remedy=f"Remove {_own_directory(uid)}, which is not as this program makes it.",
    )


def connect_to_door(namespace: int) -> tuple[socket.socket, int] | None:
    """Return a connection to this user's tap of that namespace, and its process; None where there is none."""
    uid = os.geteuid()
    for directory in _directories(uid):
        path = directory / _name(namespace)
        if _is_private(directory, uid) and _is_socket_of(path, uid):
            sock = socket.socket(
                socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            )
            try:
                sock.connect(str(path))
                pid, owner = peer_of(sock)
            except OSError:  # left over by one that was killed, or too busy to take us in now
                sock.close()
                continue
            if owner == uid:
                return sock, pid
            sock.close()
    return None


def peer_of(sock: socket.socket) -> tuple[int, int]:
    """Return process and user at the other end: as they were when it connected, or began to listen."""
    said = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(said)
    return pid, uid


def close_door(sock: socket.socket, path: Path) -> None:
    """Remove the name and stop listening: in this order, for then nobody else's can have it yet."""
    path.unlink(missing_ok=True)
    sock.close()


def _name(namespace: int) -> str:
    return f"mcast-tui-tap-{namespace}"


def _directories(uid: int) -> Iterator[Path]:
    """Yield where the door may be, best first; sudo may have changed the environment of one end."""
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime)
    yield Path("/run/user") / str(uid)
    yield _own_directory(uid)


def _own_directory(uid: int) -> Path:
    return Path("/tmp") / f"mcast-tui-{uid}"  # noqa: S108 - whose it is, and that it is no link, is looked at


def _make(directory: Path, uid: int) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        return  # `_is_private` says whether it will do
    except OSError as error:
        raise NetworkRefused(
            f"make {directory} for user {uid}", describe_errno(error.errno or 0), errno=error.errno
        ) from error


def _is_private(directory: Path, uid: int) -> bool:
    """Whether it is a directory, not a link to one, that nobody but this user may enter."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & _OTHERS


def _is_socket_of(path: Path, uid: int) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISSOCK(found.st_mode) and found.st_uid == uid


def _listen(path: Path) -> tuple[socket.socket, Path]:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        _remove_left_over(path)
        sock.bind(str(path))
        path.chmod(0o600)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        attempted = f"open {path} for the readers of the tap"
        if error.errno == errno.EADDRINUSE:
            raise NetworkRefused(
                attempted,
                "another tap feeds there",
                errno=error.errno,
                remedy="One is enough for all readers; end the other to start this one.",
                command="pgrep -af 'mcast-tui tap'",
            ) from error
        reason = describe_errno(error.errno) if error.errno else str(error)  # too long a path has none
        raise NetworkRefused(attempted, reason, errno=error.errno) from error
    return sock, path


def _remove_left_over(path: Path) -> None:
    """Remove a name behind which nobody listens any more; one that is in use makes ``bind(2)`` fail."""
    if not _is_socket_of(path, os.geteuid()):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except OSError:
            return
