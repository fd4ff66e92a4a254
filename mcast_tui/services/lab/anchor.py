"""The process that is a host of the lab: its network namespace lives while it does.

Started as a script, without site or this package, so that a LAN costs milliseconds: usage
``anchor.py NAME OWNER``. It moves into new network and host name namespaces, prints ``ready``
(or the errno) and waits for the end of its standard input, which the kernel brings about when
the owner dies in whatever way. Then it ends every process that lives in its namespace, the
owner excepted, and itself.

`PR_SET_PDEATHSIG` is not used: it would kill this process before it could end the others, and
it fires when the *thread* that started it ends.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time

# Each host waits for these imports: 4 ms. pathlib, signal, socket and contextlib would take 12 ms more.
# ruff: noqa: PTH116, PTH123, PTH208

CLONE_NEWUTS, CLONE_NEWNET = 0x0400_0000, 0x4000_0000
SIGKILL = 9
ENDING = "(ending)"
"""Our host name while we sweep. Whoever comes in then (`visit`) looks at it once he is in, and goes: else he
could come after the last look at who is here, and stay."""

libc = ctypes.CDLL(None, use_errno=True)


def settle(name: str) -> None:
    """Move into new namespaces under this host name; raises OSError."""
    if libc.unshare(CLONE_NEWNET | CLONE_NEWUTS):
        raise OSError(ctypes.get_errno(), "unshare")
    call_host(name)
    try:
        with open("/proc/sys/net/ipv6/conf/default/accept_ra", "w", encoding="ascii") as setting:
            setting.write("0")
    except OSError:  # read-only /proc/sys of a container: the host asks for routers, nobody answers
        return


def call_host(name: str) -> None:
    """Set our host name; raises OSError."""
    octets = os.fsencode(name)
    if libc.sethostname(octets, len(octets)):
        raise OSError(ctypes.get_errno(), "sethostname")


def neighbours(spared: set[int]) -> list[int]:
    """Return the processes in our network namespace, those in `spared` left out."""
    ours, found = namespace_of("self"), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(name) not in spared and namespace_of(name) == ours:
                found.append(int(name))
        except OSError:  # it has ended, or is not ours to look at
            continue
    return found


def namespace_of(process: str) -> int:
    """Return the number of a process's network namespace; raises OSError."""
    return os.stat(f"/proc/{process}/ns/net").st_ino


def sweep(spared: set[int]) -> None:
    """Kill our neighbours until none is left; gives up after a second on those that cannot die."""
    for _ in range(1000):
        found = neighbours(spared)
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.001)


def main() -> None:
    """Settle, say so, wait for the owner's end, sweep."""
    name, owner = sys.argv[1], int(sys.argv[2])
    outside = namespace_of("self")
    try:
        settle(name)
    except OSError as error:
        os.write(1, b"%d\n" % (error.errno or 0))
        return
    os.write(1, b"ready\n")
    while os.read(0, 64):
        pass
    if namespace_of("self") == outside:
        return  # never sweep a namespace that is not our own
    call_host(ENDING)
    sweep({os.getpid(), owner})


if __name__ == "__main__":
    main()
