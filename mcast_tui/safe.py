"""Bytes and text from others -> one line that may be shown: the only door to the terminal.

Anyone on the link chooses these bytes. What comes out of here holds no control, format or
separator character, no unassigned or private one, no mark without a letter to stand on, and no
line end; so it cannot move the cursor, reorder or hide its neighbours, or end its line. What
was unsafe is not dropped but made visible, in place:

* a C0 control or DEL is its picture, ``␛``; a byte that is not UTF-8 is a dot, ``·``;
* any other character that acts instead of showing is named, ``<U+202E>``;
* marks piled on one letter are counted past the fourth, ``<+37 marks>``; blanks are plain spaces.

An emoji joined from several shows its parts: terminals disagree on how wide the whole is. Markup
is not our affair: brackets pass, so what comes out of here is never given to a markup parser.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import category, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMED = re.compile(r"<U\+[0-9A-F]{4,6}>|<\+(?:\d+| more) marks>")
"""Finds what stands for a character that may not be shown, for the app to set apart."""

MAX_MARKS = 4
"""Marks that may stand on one letter: enough for pointed Hebrew and Vietnamese, too few for a tower."""

_CACHED = 4096  # characters remembered: a conversation's alphabet, whatever a flood of odd ones may do
_ELLIPSIS = "…"
_DOT = "·"
_BYTES_PER_CHARACTER = 4  # the longest UTF-8 sequence
_PRESENTATION = "\ufe0e\ufe0f"
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0\U0001d159")
"""Printable to Python, yet blank: fillers and joiners that Unicode calls default-ignorable."""
_ESCAPED_BYTES = range(0xDC80, 0xDD00)  # what "surrogateescape" makes of bytes that are not UTF-8


class Shown(NamedTuple):
    """A text made safe, and what had to be done for it."""

    text: str
    altered: bool
    """Something stands for what may not be shown: a picture, a dot or a name."""
    controls: bool
    """Among it was a control character: an escape sequence shown, not run."""
    cut: bool
    """The input was longer than the limit; the text ends in an ellipsis."""


def show(data: bytes | str, limit: int | None = None) -> Shown:
    """Make `data` one line of safe text; at most `limit` characters of it are looked at."""
    decoded, cut = _decode(data, limit)
    if decoded.isascii() and decoded.isprintable():
        return Shown(decoded + _ELLIPSIS * cut, altered=False, controls=False, cut=cut)
    pieces: list[str] = []
    altered = on_letter = False
    runs = [(is_mark, "".join(run)) for is_mark, run in groupby(decoded, _is_mark)]
    for position, (is_mark, characters) in enumerate(runs, 1):
        if is_mark:
            # Of a run that was cut nobody knows how long it is.
            is_whole = not cut or position < len(runs)
            piece = _stack(characters, on_letter=on_letter, is_whole=is_whole)
            altered = altered or "<" in piece
        else:
            pictures = [_picture(character) for character in characters]
            piece = "".join(pictures)
            on_letter = pictures[-1] == characters[-1] != " "
            altered = altered or any(map(_is_replaced, characters, pictures))
        pieces.append(piece)
    controls = altered and any(category(character) == "Cc" for character in decoded)
    return Shown("".join(pieces) + _ELLIPSIS * cut, altered, controls, cut)


def safe_text(data: bytes | str, limit: int | None = None) -> str:
    """Return `data` as one line of safe text; without a limit, safe text is returned unchanged."""
    return show(data, limit).text


def safe_info(data: bytes, limit: int) -> str:
    """Return at most `limit` characters of a payload for a line of the log.

    Text is shown as text, without the line end that closes it; anything else as its printable
    ASCII with dots between. Only as much as may be shown is looked at, also to tell which it is.
    """
    head = data[:limit]
    if head.isascii():
        text = head.decode("ascii").removesuffix("\n").removesuffix("\r")
        if text.isprintable():
            return text
    longest = data[: limit * _BYTES_PER_CHARACTER]
    if is_text(longest):
        return safe_text(longest.removesuffix(b"\n").removesuffix(b"\r"), limit)[:limit]
    return dots(head)


_TEXT_CONTROLS = b"\a\b\t\n\v\f\r\x1b"  # as file(1) has it: controls that occur in what people call text
_NOT_TEXT = bytes(byte for byte in range(0x20) if byte not in _TEXT_CONTROLS) + b"\x7f"
_DOTS = bytes(byte if 0x20 <= byte < 0x7F else ord(_DOT) for byte in range(256))


def is_text(data: bytes) -> bool:
    """Tell whether `data` is UTF-8 without binary controls; a sequence cut at the very end is let pass."""
    if len(data.translate(None, _NOT_TEXT)) != len(data):
        return False
    try:
        codecs.utf_8_decode(data, "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def dots(data: bytes) -> str:
    """Return the printable ASCII of `data`, one character a byte, with a dot for every other byte."""
    return data.translate(_DOTS).decode("latin-1")


class HexRow(NamedTuple):
    """One row of a hex dump."""

    offset: int
    hexadecimal: str
    """The bytes in groups of eight, padded to the width of a full row."""
    ascii: str

    def __str__(self) -> str:
        return f"{self.offset:04x}  {self.hexadecimal}  {self.ascii}"


def hex_dump(data: bytes, per_row: int = 16, first: int = 0) -> Iterator[HexRow]:
    """Yield the rows of `data` from the offset `first` on, each made only when asked for."""
    width = per_row * 3 - 1 + (per_row - 1) // 8
    for offset in range(first, len(data), per_row):
        row = data[offset : offset + per_row]
        groups = (row[at : at + 8].hex(" ") for at in range(0, len(row), 8))
        yield HexRow(offset, "  ".join(groups).ljust(width), dots(row))


def cell_width(text: str) -> int:
    """Return how many terminal cells safe text takes: wide East Asian characters and emoji take two."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def clamp_cells(text: str, cells: int) -> str:
    """Return safe text cut to at most `cells` terminal cells, with an ellipsis where it was cut."""
    if len(text) <= cells and text.isascii():
        return text
    if cell_width(text) <= cells:
        return text
    used = 0
    for at, character in enumerate(text):
        used += _cells(character)
        if used > cells - 1:
            return text[:at] + _ELLIPSIS * (cells > 0)
    return text


def _decode(data: bytes | str, limit: int | None) -> tuple[str, bool]:
    """Return at most `limit` characters, undecodable bytes as lone surrogates, and whether it was cut."""
    if isinstance(data, str):
        return (data, False) if limit is None else (data[:limit], len(data) > limit)
    head = data if limit is None else data[: limit * _BYTES_PER_CHARACTER]
    whole = len(head) == len(data)
    # Not final when cut: a sequence that we cut ourselves is left out, not shown as broken.
    text, _ = codecs.utf_8_decode(head, "surrogateescape", whole)
    return (text, False) if limit is None else (text[:limit], not whole or len(text) > limit)


@lru_cache(_CACHED)
def _picture(character: str) -> str:
    """Return what is shown for a character that is no mark: itself if it is harmless."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code in _ESCAPED_BYTES:
        return _DOT
    if category(character) == "Zs":
        return " "
    if character.isprintable() and character not in _INVISIBLE and not _is_skin_tone(code):
        return character
    return _name(character)


def _name(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def _is_skin_tone(code: int) -> bool:
    return 0x1F3FB <= code <= 0x1F3FF  # melts into the emoji before it, or not, as the terminal likes


def _is_replaced(character: str, picture: str) -> bool:
    return picture not in (character, " ")


@lru_cache(_CACHED)
def _is_mark(character: str) -> bool:
    return category(character)[0] == "M"


def _is_plain_mark(character: str) -> bool:
    """Tell a mark that a letter can carry from selectors, joiners and those that enclose it."""
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return not is_selector and character not in _INVISIBLE and category(character) != "Me"


def _stack(marks: str, *, on_letter: bool, is_whole: bool) -> str:
    """Return what is shown of a run of marks: the first few on a letter as they are, the rest told."""
    if on_letter and marks[0] in _PRESENTATION:
        marks = marks[1:]  # only asks for the coloured or the plain picture; widths differ by terminal
    kept = 0
    while on_letter and kept < min(MAX_MARKS, len(marks)) and _is_plain_mark(marks[kept]):
        kept += 1
    told = marks[kept:]
    more = (f"<+{len(told) - 1} marks>" if is_whole else "<+ more marks>") if len(told) > 1 else ""
    return marks[:kept] + (_name(told[0]) if told else "") + more


@lru_cache(_CACHED)
def _cells(character: str) -> int:
    if _is_mark(character) or "\u1160" <= character <= "\u11ff" or "\ud7b0" <= character <= "\ud7ff":
        return 0  # marks, and the vowels and finals that complete a Hangul syllable
    return 2 if east_asian_width(character) in "WF" else 1
