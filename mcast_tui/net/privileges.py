"""Give up every privilege this process has, for good; what is open stays open.

``capabilities(7)``, ``prctl(2)``. The bounding set goes first, because emptying it takes a privilege, then
groups and user, then what capabilities are left, then the way to new ones. The kernel is asked afterwards:
what it says is returned, and a capability that is left is an error.
"""

from __future__ import annotations

import ctypes
import os
import struct
from dataclasses import dataclass
from pathlib import Path

from mcast_tui.errors import PermissionRefused, describe_errno

PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 23, 24, 38, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x2008_0522
_CAPABILITY_HEADER = struct.Struct("@Ii")
_NO_CAPABILITIES = bytes(24)  # two sets of effective, permitted, inheritable

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Privileges:
    """What ``/proc/self/status`` says this process may."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    capabilities: int
    """Effective, permitted, inheritable and ambient together."""
    bounding: int
    """What a program it starts could get."""
    has_no_new: bool
    """Whether it can get none back by starting a program."""

    def __str__(self) -> str:
        bounding = "" if not self.bounding else f", bounding set {self.bounding:x}"
        groups = ", ".join(map(str, self.groups)) or "none"
        return f"user {self.uid}, group {self.gid}, further groups {groups}, no capability{bounding}"


def drop_privileges(uid: int, gid: int) -> Privileges:
    """Become `uid` and `gid` without any capability; return what the kernel says is left.

    Raises PermissionRefused when something is left. To be called while the process has one thread: the
    capabilities of others would stay.
    """
    attempted = f"become user {uid} without privileges"
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise PermissionRefused(attempted, "the process has started threads, and they would keep theirs")
    was = os.geteuid()
    try:
        _empty_bounding_set()
        _forget_groups()
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
        _forget_capabilities()
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
    except OSError as error:
        reason = describe_errno(error.errno or 0)
        raise PermissionRefused(attempted, reason, errno=error.errno) from error
    left = read_privileges()
    has_groups_of_another = was != uid and bool(left.groups)
    is_another = (left.uid, left.gid) != (uid, gid)
    if left.capabilities or not left.has_no_new or is_another or has_groups_of_another:
        raise PermissionRefused(attempted, f"the kernel says it still is {left}")
    return left


def read_privileges(process: str = "self") -> Privileges:
    """Return what a process may."""
    status = dict(
        line.split(":", 1)
        for line in Path("/proc", process, "status").read_text().splitlines()
        if ":" in line
    )
    sets = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")]
    return Privileges(
        uid=int(status["Uid"].split()[1]),
        gid=int(status["Gid"].split()[1]),
        groups=tuple(map(int, status["Groups"].split())),
        capabilities=sets[0] | sets[1] | sets[2] | sets[3],
        bounding=int(status["CapBnd"], 16),
        has_no_new=status["NoNewPrivs"].strip() == "1",
    )


def _empty_bounding_set() -> None:
    """Drop every capability from the bounding set, as far as this process may (CAP_SETPCAP)."""
    capability = 0
    while _libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:  # beyond the last one: EINVAL
        try:
            _prctl(PR_CAPBSET_DROP, capability)
        except PermissionError:
            return  # nothing is to be had of it with no_new_privs
        capability += 1


def _forget_groups() -> None:
    """Leave all further groups; in a user namespace that nobody privileged made, they are the user's own."""
    try:
        os.setgroups([])
    except PermissionError:
        return


def _forget_capabilities() -> None:
    header = ctypes.create_string_buffer(_CAPABILITY_HEADER.pack(_CAPABILITY_VERSION_3, 0))
    if _libc.capset(header, ctypes.create_string_buffer(_NO_CAPABILITIES, len(_NO_CAPABILITIES))):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _prctl(option: int, argument: int) -> None:
    if _libc.prctl(option, argument, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
