"""posix_spawn(3) that lets the other threads run: CPython's own keeps the interpreter until exec(3) is done.

On a busy machine that is milliseconds in which nothing would be received, read or answered.
"""

from __future__ import annotations

import ctypes
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SETSIGDEF, _SETSID = 0x04, 0x80  # spawn.h, of glibc and of musl
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)
"""Ignored in every Python process; a command expects them as they are by default."""
_Opaque = ctypes.c_uint64 * 128
"""Room for the structs of spawn.h, of which none is above 400 bytes."""

_libc = ctypes.CDLL(None)
_quick = ctypes.PyDLL(None)  # for what is over in no time


def _attributes() -> ctypes.Array[ctypes.c_uint64]:
    """Return what holds for every command: a session of its own, signals as by default."""
    attributes, signals = _Opaque(), _Opaque()
    _quick.posix_spawnattr_init(attributes)
    _quick.sigemptyset(signals)
    for number in _PYTHON_IGNORES:
        _quick.sigaddset(signals, int(number))
    _quick.posix_spawnattr_setsigdefault(attributes, signals)
    _quick.posix_spawnattr_setflags(attributes, ctypes.c_short(_SETSIGDEF | _SETSID))
    return attributes


_ATTRIBUTES = _attributes()


def spawn(
    path: str, arguments: Sequence[str], environment: Mapping[str, str], streams: tuple[int, int, int]
) -> int:
    """Start a program in a session of its own, `streams` as its three; return its pid. Raises OSError.

    It inherits what is inheritable besides: nothing, of what Python opens.
    """
    words = [os.fsencode(word) for word in arguments]
    variables = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
    argv = (ctypes.c_char_p * (len(words) + 1))(*words)
    envp = (ctypes.c_char_p * (len(variables) + 1))(*variables)
    pid, actions = ctypes.c_int(), _Opaque()
    _quick.posix_spawn_file_actions_init(actions)
    try:
        for number, descriptor in enumerate(streams):
            _quick.posix_spawn_file_actions_adddup2(actions, descriptor, number)
        error = _libc.posix_spawn(ctypes.byref(pid), os.fsencode(path), actions, _ATTRIBUTES, argv, envp)
    finally:
        _quick.posix_spawn_file_actions_destroy(actions)
    if error:
        raise OSError(error, os.strerror(error))
    return pid.value
