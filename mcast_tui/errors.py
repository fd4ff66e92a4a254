"""The errors this project raises: what was attempted, on what, why it failed, what would help.

An error is data. It is rendered once, at the edge: the app makes a toast of it, a
command prints it on stderr and exits with its status. Nothing below the edge prints.
"""

from __future__ import annotations

import os
from errno import errorcode
from typing import ClassVar


class McastError(Exception):
    """Something could not be done; the fields say what, why, and what would help."""

    exit_status: ClassVar[int] = 4

    def __init__(
        self,
        attempted: str,
        reason: str,
        *,
        errno: int | None = None,
        remedy: str | None = None,
        command: str | None = None,
    ) -> None:
        super().__init__(attempted, reason, errno, remedy, command)
        self.attempted = attempted
        """What was tried and on what, as a phrase: ``join 224.1.0.1 on eth0``."""
        self.reason = reason
        """Why it failed, in words: the kernel's own for an errno."""
        self.errno = errno
        """The kernel's error number; None when it was us who refused."""
        self.remedy = remedy
        """One sentence that says what would help; None when nothing is known to."""
        self.command = command
        """A shell line the user may copy; it is shown, never run."""

    def __str__(self) -> str:
        return " ".join(self.sentences())

    def sentences(self) -> list[str]:
        """The error as short sentences: the failure with its errno's name, the remedy, the command."""
        name = "" if self.errno is None else errorcode.get(self.errno, str(self.errno))
        named = f" ({name})" if name and name not in self.reason else ""
        said = [f"Cannot {self.attempted}: {self.reason}{named}."]
        if self.remedy:
            said.append(self.remedy)
        if self.command:
            said.append(f"Try: {self.command}")
        return said


class UsageError(McastError):
    """The user's words are wrong; nothing was done."""

    exit_status = 2


class EndpointError(UsageError):
    """An endpoint, or network, that cannot be read: its text, the fault's column (from 0), the remedy."""

    def __init__(
        self, text: str, column: int, reason: str, remedy: str | None = None, *, what: str = "endpoint"
    ) -> None:
        super().__init__(f"read the {what} {text!r}", reason, remedy=remedy)
        self.text = text
        self.column = column


class PermissionRefused(McastError):
    """The kernel wants a privilege this process does not have."""

    exit_status = 3


class NetworkRefused(McastError):
    """The kernel or the network refused; `errno` names it."""

    exit_status = 4


def describe_errno(errno: int) -> str:
    """Return the kernel's words and name for an error number: ``Network is unreachable (ENETUNREACH)``."""
    name = errorcode.get(errno, str(errno))
    return f"{os.strerror(errno)} ({name})"
