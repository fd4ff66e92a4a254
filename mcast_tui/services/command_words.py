"""The words of a typed line, read from the left; every complaint knows its column."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from mcast_tui.errors import EndpointError, UsageError
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.place import parse_places

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.wire.address import Endpoint
    from mcast_tui.wire.place import Place

Read = TypeVar("Read")


class CommandError(UsageError):
    """A line that cannot be obeyed: the line, the column of the fault (from 0), what would be right."""

    def __init__(
        self, line: str, column: int, reason: str, remedy: str | None = None, *, corrected: str | None = None
    ) -> None:
        super().__init__("obey the command", reason, remedy=remedy)
        self.line = line
        self.column = column
        self.corrected = corrected
        """The line as it was probably meant; None when there is no good guess."""


class Words:
    """The words of a line, read from the left; every complaint names the column it is about."""

    def __init__(self, line: str, start: int, usage: str, default_port: int) -> None:
        self.line = line
        self.usage = usage
        self.default_port = default_port
        self._position = start

    @property
    def column(self) -> int:
        """Where the next word begins, or the end of the line."""
        match = re.compile(r"\s*").match(self.line, self._position)
        return match.end() if match else self._position

    def peek(self) -> str | None:
        match = re.compile(r"\S+").match(self.line, self.column)
        return match[0] if match else None

    def take(self, what: str) -> str:
        """Return the next word; complain that `what` is missing when there is none."""
        word = self.peek()
        if word is None:
            raise self.error(f"{what} is missing")
        self._position = self.column + len(word)
        return word

    def rest(self, what: str) -> str:
        """Return everything after the space that ends the word before, as typed."""
        text = self.line[self._position + 1 :]
        if not text:
            raise self.error(f"{what} is missing")
        self._position = len(self.line)
        return text

    def end(self) -> None:
        word = self.peek()
        if word is not None:
            raise self.error(f"{word!r} is one word too many")

    def error(self, reason: str, column: int | None = None, remedy: str | None = None) -> CommandError:
        return CommandError(
            self.line, self.column if column is None else column, reason, remedy or f"Usage: {self.usage}"
        )

    def endpoint(self, what: str, default_port: int | None = None) -> Endpoint:
        """Read the next word as an endpoint; its own complaint is passed on, at the right column.

        Whether it is a group only the host's networks can tell, so nobody is refused here.
        """
        return self._read(what, partial(parse_endpoint, default_port=default_port or self.default_port))

    def places(self, what: str) -> tuple[Place, ...]:
        """Read the next word as where to take part: an endpoint, or a socat address with its terms."""
        return self._read(what, parse_places)

    def _read(self, what: str, parse: Callable[[str], Read]) -> Read:
        start = self.column
        word = self.take(what)
        try:
            return parse(word)
        except EndpointError as error:
            raise self.error(error.reason, start + error.column, error.remedy) from error
