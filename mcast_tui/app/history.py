"""What was typed before, newest last, to walk through and to search. Pure."""

from __future__ import annotations

KEPT = 1000
"""Lines remembered; they live in memory only and are gone with the app."""


class History:
    """Lines that were entered, and where in them the person is."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._position = 0
        self._unsent = ""

    def add(self, line: str) -> None:
        """Remember a line; the same line twice running is kept once."""
        if line and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)
            del self._lines[:-KEPT]
        self._position = len(self._lines)
        self._unsent = ""

    def older(self, current: str) -> str | None:
        """Step back; `current` is what stands in the input and is found again at the newest end."""
        if self._position == 0:
            return None
        if self._position == len(self._lines):
            self._unsent = current
        self._position -= 1
        return self._lines[self._position]

    def newer(self) -> str | None:
        """Step forth; after the newest line comes what was being typed."""
        if self._position >= len(self._lines):
            return None
        self._position += 1
        return self._unsent if self._position == len(self._lines) else self._lines[self._position]

    def search(self, words: str) -> list[str]:
        """Return the lines that contain `words`, whatever the case, newest first and each once."""
        wanted = words.casefold()
        return list(dict.fromkeys(line for line in reversed(self._lines) if wanted in line.casefold()))
