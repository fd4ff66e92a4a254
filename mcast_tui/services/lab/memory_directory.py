"""A directory that is nowhere on disk: reached through /proc while its owner lives, gone with it.

A tmpfs that is mounted nowhere, `fsopen(2)` and `fsmount(2)`: only a descriptor of ours holds
it. ``/proc/PID/fd/N`` is a path like any other to processes of the same user, so programs in
it can be found by PATH and a socket in it can be connected to. Kill us, and it is gone.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING, Self

from mcast_tui.errors import PermissionRefused, describe_errno
from mcast_tui.services.lab.namespace import unshare

if TYPE_CHECKING:
    from types import TracebackType

FSOPEN, FSCONFIG, FSMOUNT = 430, 431, 432  # the same on every architecture that has them
FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC = 1, 1
FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 1, 6
MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 2, 4
CLONE_NEWNS = 0x0002_0000

_libc = ctypes.CDLL(None, use_errno=True)


class MemoryDirectory:
    """An empty directory in memory, for its owner's user alone; a context manager.

    Needs the privilege to mount: root's, or that of a user namespace, and then the calling
    thread moves into a mount namespace of its own. Raises PermissionRefused.
    """

    def __init__(self) -> None:
        try:
            self._descriptor = _mount_nowhere()
        except OSError as error:
            number = error.errno or 0
            remedy = "It needs Linux 5.2 or newer." if number == errno.ENOSYS else None
            raise PermissionRefused(
                "keep the lab's commands in memory", describe_errno(number), errno=number, remedy=remedy
            ) from error

    @property
    def path(self) -> str:
        """The path other processes reach it by."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def add_program(self, name: str, text: str) -> None:
        """Put an executable script there."""

        def create(path: str, flags: int) -> int:
            return os.open(path, flags, mode=0o700, dir_fd=self._descriptor)

        with open(name, "x", encoding="utf-8", opener=create) as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o700)  # whatever the umask says

    def close(self) -> None:
        """Let go of the directory and what is in it; again is harmless."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _mount_nowhere() -> int:
    """Return the descriptor of a new tmpfs; raises OSError."""
    try:
        context = _call(FSOPEN, b"tmpfs", FSOPEN_CLOEXEC)
    except PermissionError:  # the mounts here belong to a user namespace we are not root of
        unshare(CLONE_NEWNS)
        context = _call(FSOPEN, b"tmpfs", FSOPEN_CLOEXEC)
    try:
        _call(FSCONFIG, context, FSCONFIG_SET_STRING, b"mode", b"0700", 0)
        _call(FSCONFIG, context, FSCONFIG_CMD_CREATE, None, None, 0)
        return _call(FSMOUNT, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
    finally:
        os.close(context)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Call the kernel by number: the C library of some systems has no name for these."""
    result: int = _libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
