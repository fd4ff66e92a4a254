"""Commands we run: started fast, fed, awaited on the event loop, ended with everything they started.

A command is a session of its own (setsid(2)) with three descriptors: a pipe in, a pipe out, and a standard
error of the caller's choice. Nothing else of ours passes, no socket above all. It never goes through a shell
unless it was made by `shell_command`. When its end is collected, what it left in its process group is killed:
a request that is over leaves nothing running, as systemd.kill(5) has it for a service.

Whoever closes a `Children` with ``adopts`` also finds what double-forked its way out of the session: this
process is then the parent of such orphans (prctl(2), PR_SET_CHILD_SUBREAPER).
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcast_tui.errors import McastError, UsageError
from mcast_tui.services.process_tree import children, descendants
from mcast_tui.services.spawn import spawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SHELL = "/bin/sh"
GRACE_S = 0.5
"""How long a command may take to end itself after SIGTERM, before SIGKILL."""
SPAWNERS = 4
"""Commands that may be between fork and exec at once: `launch` need not wait for the one before."""
SWEEP_S = 0.1
"""How soon after a command's end we look for what it abandoned."""
POLL_S = 0.01
"""Between two looks at a command whose end nobody tells us: Linux before 5.3 has no pidfd_open(2)."""

_PR_SET_CHILD_SUBREAPER = 36
_REMEDIES = {
    errno.ENOENT: "Name one that is installed, or give the path to it.",
    errno.EACCES: "Make it executable, or name the program that runs it first.",
    errno.ENOEXEC: "It is no program; begin a script with #!/bin/sh, or name the program that runs it first.",
    errno.EAGAIN: "This user may have no more processes: end some, or allow more (ulimit -u).",
    errno.ENOMEM: "There is no memory for one more process.",
    errno.EMFILE: "Too many files are open in this process: run fewer commands at once, or raise ulimit -n.",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.E2BIG: "The arguments and the environment together are too long: execve(2).",
}


@dataclass(frozen=True, slots=True)
class Command:
    """What to run: a program, and its arguments with the name it is called by first."""

    path: str
    arguments: tuple[str, ...]


def find_command(words: Sequence[str]) -> Command:
    """Return the command of these words, its program looked up in PATH; raises UsageError."""
    if not words or not words[0]:
        raise UsageError("run a command", "there is none", remedy="Write it last: -- COMMAND ARGUMENT...")
    path = shutil.which(words[0])
    if path is None:
        exists = os.sep in words[0] and Path(words[0]).exists()
        number = errno.EACCES if exists else errno.ENOENT
        reason = "it is not an executable file" if exists else "there is no such command"
        raise UsageError(f"run {words[0]}", reason, errno=number, remedy=_REMEDIES[number])
    return Command(path, tuple(words))


def shell_command(line: str) -> Command:
    """Return the command that has ``/bin/sh`` run `line`."""
    return Command(SHELL, ("sh", "-c", line))


class Child:
    """One command that was started. Its descriptors are ours, do not block, and are closed by `collect`."""

    def __init__(self, command: Command, pid: int, stdin: int | None, stdout: int, rest: bytes) -> None:
        self.command = command
        self.pid = pid
        self.stdin = stdin
        """Where to write what it reads; None once closed."""
        self.stdout: int | None = stdout
        """Where to read what it writes; None once closed."""
        self.status: int | None = None
        """Once collected: what it exited with, or less a signal that ended it."""
        self._rest = memoryview(rest)
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._at_end: Callable[[], object] | None = None
        self._pidfd: int | None = None
        self._watch()
        if rest:
            assert stdin is not None  # kept open for the rest
            self._loop.add_writer(stdin, self._feed)

    @property
    def has_ended(self) -> bool:
        """Whether the command itself has ended; what it started may run on until `collect`."""
        return self._ended.is_set()

    async def ended(self) -> None:
        """Wait until the command itself has ended."""
        await self._ended.wait()

    def call_at_end(self, callback: Callable[[], object]) -> None:
        """Call `callback` once the command itself has ended; at once when it has. One at a time."""
        self._at_end = callback
        if self.has_ended:
            callback()

    def signal(self, number: int) -> None:
        """Send a signal to the command, its process group and all that descend from it."""
        if self.status is not None:
            return
        _send(os.killpg, self.pid, number)
        for pid in descendants(self.pid):
            _send(os.kill, pid, number)

    def kill(self) -> None:
        """Kill the command and all that descend from it, as fast as it may fork."""
        if self.status is not None:
            return
        stopped: set[int] = set()
        _send(os.killpg, self.pid, signal.SIGSTOP)
        while fresh := set(descendants(self.pid)) - stopped:  # what is stopped forks no more
            for pid in fresh:
                _send(os.kill, pid, signal.SIGSTOP)
            stopped |= fresh
        _send(os.killpg, self.pid, signal.SIGKILL)
        for pid in stopped:
            _send(os.kill, pid, signal.SIGKILL)

    async def end(self, grace_s: float = GRACE_S) -> int:
        """End the command and all that descend from it, politely first; return its status."""
        if not self.has_ended:
            self.signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self.ended()
        if not self.has_ended:
            self.kill()
            await self.ended()
        return self.collect()

    def collect(self) -> int:
        """Close the pipes, kill what is left of the process group, and return the command's status.

        Only after its end: until here it is a zombie, so the number of its group can be nobody else's.
        """
        if self.status is None:
            self.close_stdin()
            self.close_stdout()
            self._unwatch()
            _send(os.killpg, self.pid, signal.SIGKILL)
            _, waited = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(waited)
        return self.status

    def close_stdin(self) -> None:
        """Let the command find the end of its input; again is harmless."""
        if self.stdin is not None:
            self._loop.remove_writer(self.stdin)
            os.close(self.stdin)
            self.stdin = None

    def close_stdout(self) -> None:
        """Read no more from the command; again is harmless."""
        if self.stdout is not None:
            self._loop.remove_reader(self.stdout)
            os.close(self.stdout)
            self.stdout = None

    def _feed(self) -> None:
        """Write what did not fit at first, as the command reads; that it reads no more is its own affair."""
        assert self.stdin is not None  # called only while it is watched
        try:
            self._rest = self._rest[os.write(self.stdin, self._rest) :]
        except BlockingIOError:
            return
        except OSError:
            self._rest = self._rest[:0]
        if not self._rest:
            self.close_stdin()

    # -- its end

    def _watch(self) -> None:
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # another Unix, an older kernel, or no descriptor left
            self._poll()
        else:
            self._loop.add_reader(self._pidfd, self._note_end)

    def _poll(self) -> None:
        if self.status is None and not self._ended.is_set():
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                self._note_end()
            else:
                self._loop.call_later(POLL_S, self._poll)

    def _note_end(self) -> None:
        self._unwatch()
        self._ended.set()
        if self._at_end is not None:
            self._at_end()

    def _unwatch(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None


class Children:
    """The commands that run, and the way to start and end them.

    With ``adopts`` this process becomes the parent of what its commands abandon, and ends that too. Only for
    a process in which nobody else starts children: every other child of ours would be taken for abandoned.
    Where others' children may be among them - for process 1, and where a shell that had some became us by
    execve(2) - they are left alone, and so is what our commands abandon; the dead are collected all the same.
    """

    def __init__(self, *, adopts: bool = False) -> None:
        self._running: dict[int, Child] = {}
        self._adopts = adopts
        self._may_end_abandoned = adopts and os.getpid() != 1 and not children(os.getpid())
        self._spawners = ThreadPoolExecutor(SPAWNERS, "mcast-tui spawner")  # its threads begin at first use
        self._sweep: asyncio.TimerHandle | None = None
        self._warned: set[int] = set()
        self._tickets = 0
        self._launching: set[int] = set()
        self._unknown: dict[int, int] = {}  # child -> the ticket that was next when it was first seen
        _keep_inherited_descriptors()
        if self._may_end_abandoned:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Child]:
        return iter(tuple(self._running.values()))

    def start(
        self,
        command: Command,
        environment: Mapping[str, str],
        stderr: int,
        *,
        payload: bytes | None = None,
        by_write: bool = False,
    ) -> Child:
        """Start a command; raises McastError.

        `payload` is all its standard input is to hold: as much as the pipe takes is there when the command
        begins, the rest follows as it reads. Without one the caller writes. `by_write` keeps what it writes
        apart: a read returns what one write(2) wrote, up to 4096 bytes of it (O_DIRECT, pipe(2)).
        """
        pipes = _open_pipes(command, payload, by_write=by_write)
        try:
            pid = spawn(command.path, command.arguments, environment, (*pipes.theirs, stderr))
        except OSError as error:
            pipes.close()
            raise _refusal(command, error) from error
        return self._started(command, pid, pipes)

    async def launch(
        self,
        command: Command,
        environment: Mapping[str, str],
        stderr: int,
        *,
        payload: bytes | None = None,
        by_write: bool = False,
    ) -> Child:
        """Do as `start`, and let the event loop run meanwhile: for many commands in a row."""
        pipes = _open_pipes(command, payload, by_write=by_write)
        streams = (*pipes.theirs, stderr)
        loop = asyncio.get_running_loop()
        spawned = loop.run_in_executor(
            self._spawners, spawn, command.path, command.arguments, environment, streams
        )
        ticket, self._tickets = self._tickets, self._tickets + 1
        self._launching.add(ticket)
        try:
            pid = await asyncio.shield(spawned)
        except OSError as error:
            pipes.close()
            raise _refusal(command, error) from error
        except asyncio.CancelledError:
            await asyncio.wait([spawned])  # it takes a moment at most; then it is one more to be ended
            if spawned.exception() is None:
                self._started(command, spawned.result(), pipes)
            else:
                pipes.close()
            raise
        finally:
            self._launching.discard(ticket)
        return self._started(command, pid, pipes)

    def _started(self, command: Command, pid: int, pipes: _Pipes) -> Child:
        pipes.close_theirs()
        child = self._running[pid] = Child(command, pid, pipes.stdin, pipes.stdout, pipes.rest)
        return child

    def collect(self, child: Child) -> int:
        """Take leave of a command that has ended; return its status."""
        self._running.pop(child.pid, None)
        status = child.collect()
        if self._adopts and self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_S, self._end_abandoned)
        return status

    async def end(self, child: Child, grace_s: float = GRACE_S) -> int:
        """End a command and everything it started; return its status."""
        await child.end(grace_s)
        return self.collect(child)

    async def close(self) -> None:
        """End every command that still runs, and all they started; nobody may be in `launch` any more."""
        await asyncio.gather(*(self.end(child) for child in self))
        self._spawners.shutdown(wait=False)
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        if self._adopts:
            now = asyncio.get_running_loop().time
            deadline = now() + GRACE_S
            while self._signal_abandoned(is_last_word=now() > deadline):
                if now() > deadline + GRACE_S:  # it runs as another user: not ours to end
                    break
                await asyncio.sleep(POLL_S)  # nobody tells of the end of another's child

    def _end_abandoned(self) -> None:
        self._sweep = None
        if self._signal_abandoned(is_last_word=False):
            self._sweep = asyncio.get_running_loop().call_later(GRACE_S, self._end_abandoned)

    def _signal_abandoned(self, *, is_last_word: bool) -> bool:
        """Tell what our commands abandoned to end, the second time without asking; whether any is left."""
        left = {pid for pid in self._abandoned() if not _collect(pid) and not self._is_of_a_command(pid)}
        if not self._may_end_abandoned:
            return False
        for pid in left:
            _send(os.kill, pid, signal.SIGKILL if is_last_word or pid in self._warned else signal.SIGTERM)
        self._warned = left
        return bool(left)

    def _abandoned(self) -> list[int]:
        """Return our children that we did not start: none that may still come out of a `launch` under way."""
        unknown = [pid for pid in children(os.getpid()) if pid not in self._running]
        self._unknown = {pid: self._unknown.get(pid, self._tickets) for pid in unknown}
        oldest = min(self._launching, default=self._tickets)
        return [pid for pid, ticket in self._unknown.items() if ticket <= oldest]

    def _is_of_a_command(self, pid: int) -> bool:
        """Whether it is still in the session of a command that runs, and ends with that."""
        try:
            return os.getsid(pid) in self._running
        except ProcessLookupError:
            return False


def _collect(pid: int) -> bool:
    """Whether a child of ours that nobody waits for is dead; then it is gone now."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


@dataclass(slots=True)
class _Pipes:
    """The two pipes of a command that is being started."""

    theirs: tuple[int, int]
    stdin: int | None
    """Our end of the first; None when all it is to hold is in it."""
    stdout: int
    rest: bytes
    """What the first had no room for."""

    def close_theirs(self) -> None:
        for descriptor in self.theirs:
            os.close(descriptor)

    def close(self) -> None:
        self.close_theirs()
        os.close(self.stdout)
        if self.stdin is not None:
            os.close(self.stdin)


def _open_pipes(command: Command, payload: bytes | None, *, by_write: bool) -> _Pipes:
    """Open both, the first with `payload` in it as far as it goes; raises McastError."""
    held: list[int] = []
    try:
        held += os.pipe2(os.O_CLOEXEC)
        held += os.pipe2(os.O_CLOEXEC | (os.O_DIRECT if by_write else 0))
    except OSError as error:
        for descriptor in held:
            os.close(descriptor)
        raise _refusal(command, error) from error
    theirs_in, ours_out, ours_in, theirs_out = held
    os.set_blocking(ours_in, False)
    os.set_blocking(ours_out, False)
    written = os.write(ours_out, payload) if payload else 0
    if payload is None or written < len(payload):
        return _Pipes((theirs_in, theirs_out), ours_out, ours_in, (payload or b"")[written:])
    os.close(ours_out)
    return _Pipes((theirs_in, theirs_out), None, ours_in, b"")


def _send(how: object, pid: int, number: int) -> None:
    """Send a signal to what may have ended by now."""
    with suppress(ProcessLookupError, PermissionError):  # or changed its user: then it is not ours to end
        how(pid, number)  # type: ignore[operator]


def _keep_inherited_descriptors() -> None:
    """Have no command inherit what this process inherited beyond the three streams."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are numbers here
        if int(name) > 2:
            with suppress(OSError):  # the listing's own
                os.set_inheritable(int(name), False)


def _refusal(command: Command, error: OSError) -> McastError:
    number = error.errno or 0
    return McastError(
        f"run {command.arguments[0]}", os.strerror(number), errno=number, remedy=_REMEDIES.get(number)
    )
