"""What a command line asks to send, as bytes: words, lines of standard input, hexadecimal, a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mcast_tui.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_LIMIT = 1 << 20
"""Bytes of input without a line end before we give up: no datagram is that long, not even in hexadecimal."""

_DIGITS = frozenset("0123456789abcdefABCDEF")
_BETWEEN_BYTES = frozenset(" \t:-")
_SHOWN = 60
"""Characters of a line of hexadecimal that an error repeats."""


def text_payload(text: str, end: bytes) -> bytes:
    """Return a word of the command line as the bytes it was, and the line end asked for."""
    return text.encode("utf-8", "surrogateescape") + end


def hex_payload(text: str, what: str = "hexadecimal") -> bytes:
    """Return the bytes of ``dead beef`` or ``de:ad:be:ef``: two digits a byte; blanks, ``:``, ``-`` between.

    `what` says in the error whose text it is. Raises `EndpointError` at the column of the fault.
    """
    octets = bytearray()
    at = 0
    while at < len(text):
        if text[at] in _BETWEEN_BYTES:
            at += 1
            continue
        for column in (at, at + 1):
            if column == len(text):
                raise _refused(text, column, "the last byte has only one digit", what)
            if text[column] not in _DIGITS:
                raise _refused(text, column, f"{text[column]!r} is not a hexadecimal digit", what)
        octets.append(int(text[at : at + 2], 16))
        at += 2
    return bytes(octets)


def _refused(text: str, column: int, reason: str, what: str) -> EndpointError:
    """Return the error for the character `column`, with so much of the text as a person can look at."""
    first = max(0, column - _SHOWN // 2) if len(text) > _SHOWN else 0
    shown = text[first : first + _SHOWN]
    return EndpointError(
        shown,
        column - first,
        f"{reason}, at character {column + 1}",
        "Write two digits a byte, as in dead beef or de:ad:be:ef.",
        what=what,
    )


def line_payloads(stream: BinaryIO, end: bytes, *, is_hex: bool) -> Iterator[bytes]:
    """Yield each line as it comes: as text with the end asked for, or as the bytes its digits stand for."""
    number = 0
    while line := stream.readline(LINE_LIMIT):
        number += 1
        if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
            raise UsageError(
                f"send line {number} of standard input", f"there is no line end within {LINE_LIMIT} bytes"
            )
        yield line_payload(line.removesuffix(b"\n"), end, is_hex=is_hex, number=number)


def line_payload(line: bytes, end: bytes, *, is_hex: bool, number: int) -> bytes:
    """Return what one line of input, without its end, asks to send; `number` is for the error."""
    if not is_hex:
        return line + end
    digits = line.removesuffix(b"\r").decode("utf-8", "surrogateescape")
    return hex_payload(digits, f"hexadecimal of line {number}")


def file_payload(path: str, longest: int) -> bytes:
    """Return all of a file, ``-`` for standard input, as one payload of at most `longest` bytes.

    Raises `UsageError` when it cannot be read or is longer: no more than that is read to find out.
    """
    attempted = f"send {'standard input' if path == '-' else path} as one datagram"
    try:
        if path == "-":
            return _bounded(sys.stdin.buffer, longest, attempted)
        with Path(path).open("rb") as file:
            return _bounded(file, longest, attempted)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(attempted, reason, errno=getattr(error, "errno", None)) from error


def _bounded(stream: BinaryIO, longest: int, attempted: str) -> bytes:
    data = stream.read(longest + 1)
    if len(data) <= longest:
        return data
    size = os.fstat(stream.fileno()).st_size  # 0 for a pipe or device
    has = f"it has {size} bytes" if size > longest else f"it has more than {longest} bytes"
    raise UsageError(attempted, f"{has}, and one datagram carries at most {longest}", remedy="Split it.")
