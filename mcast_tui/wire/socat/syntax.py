r"""How socat cuts its addresses into words: quotes, brackets, backslashes, and ``:`` ``,`` ``=`` between.

``TYPE:parameter:parameter,option,option=value``, read as socat 1.7.4.4 reads it: ``'...'`` and
``"..."`` are taken off, ``(...)``, ``[...]`` and ``{...}`` stay; inside any of them nothing
separates; ``\`` takes the next character as it is, except that ``\n`` and its like are C's.
What socat reads past the end of its text for (a quote, bracket or backslash with nothing after
it) is refused, and so is a pair joined by ``!!``. Every `Word` remembers where its characters stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from mcast_tui.errors import EndpointError
from mcast_tui.wire.literal import Piece

if TYPE_CHECKING:
    from collections.abc import Callable

WHAT = "socat address"
"""What a refusal says it could not read."""
MAX_TEXT = 4096
"""Room for a shell line in SYSTEM; an error repeats the text, so it must not be a megabyte."""
DUAL = "!!"
"""Joins two addresses, one to read and one to write."""

_C_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_CLOSERS = {"(": ")", "[": "]", "{": "}"}

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Word:
    """Characters of an address after its quotes and backslashes were resolved."""

    whole: str
    """The address as it was written."""
    text: str
    columns: tuple[int, ...]
    """Where in `whole` each character of `text` stood, and, last, where the word ended."""

    def __str__(self) -> str:
        return self.text

    def from_(self, at: int, stop: int | None = None) -> Word:
        """Return the characters `at` to `stop`, or to the end."""
        stop = len(self.text) if stop is None else stop
        return Word(self.whole, self.text[at:stop], self.columns[at : stop + 1])

    def refused(self, reason: str, remedy: str | None = None, *, at: int = 0) -> EndpointError:
        """Return the error that points at the character `at` of this word."""
        return EndpointError(self.whole, self.columns[at], reason, remedy, what=WHAT)

    def read(self, reader: Callable[[Piece], _Read], remedy: str | None = None) -> _Read:
        """Return what `reader` makes of this word; its refusal points into the address, with our `remedy`."""
        try:
            return reader(Piece(self.text, 0, len(self.text)))
        except EndpointError as fault:
            raise self.refused(fault.reason, remedy or fault.remedy, at=fault.column) from None


@dataclass(frozen=True, slots=True)
class Given:
    """One option as it was written: ``name`` or ``name=value``."""

    name: Word
    value: Word | None


@dataclass(frozen=True, slots=True)
class Spoken:
    """An address cut into its words; nothing is understood yet."""

    kind: Word
    """Its type: ``UDP4-DATAGRAM``."""
    parameters: tuple[Word, ...]
    options: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is special in a text besides the backslash and the separators."""

    quotes: bool
    brackets: str
    c_escapes: bool


ADDRESS = Rules(quotes=True, brackets="([{", c_escapes=True)
"""For the address itself, and for the command line of EXEC."""
VALUE = Rules(quotes=False, brackets="[", c_escapes=False)
"""For the inside of the values of bind and of the memberships, which socat cuts a second time."""


def read_spoken(text: str) -> Spoken:
    """Cut an address into its words; raises EndpointError."""
    whole = _whole(text)
    kind, at = lex(whole, 0, (DUAL, ",", ":"), ADDRESS)
    parameters: list[Word] = []
    while text.startswith(":", at):
        word, at = lex(whole, at + 1, (DUAL, ",", ":"), ADDRESS)
        parameters.append(word)
    return Spoken(kind, tuple(parameters), tuple(_options(whole, at)))


def read_kind(text: str) -> tuple[str, str]:
    """Return the type that an address seems to begin with, and what stands after it; raises EndpointError."""
    kind, at = lex(_whole(text), 0, (DUAL, ",", ":"), ADDRESS)
    return kind.text, text[at:]


def split(word: Word, separator: str, rules: Rules, most: int = MAX_TEXT) -> list[Word]:
    """Return the words between the separators of `word`; the one after `most` cuts is not looked into."""
    words: list[Word] = []
    at = 0
    while len(words) < most:
        part, at = lex(word, at, (separator,), rules)
        words.append(part)
        if not word.text.startswith(separator, at):
            return words
        at += 1
    return [*words, word.from_(at)]


def lex(source: Word, at: int, ends: tuple[str, ...], rules: Rules) -> tuple[Word, int]:
    """Return the word that begins at `at`, and where the separator or end stands that ended it.

    Raises EndpointError for a quote or bracket that is never closed and a backslash at the end.
    """
    text, characters, columns = source.text, [], []
    open_: list[_Open] = []
    while at < len(text):
        character = text[at]
        column, step = source.columns[at], 1
        if open_ and character == open_[-1].closer:
            kept = open_.pop().is_kept
        elif not open_ and text.startswith(ends, at):
            break
        elif (opened := _opened(character, at, open_, rules)) is not None:
            kept = opened.is_kept
            open_.append(opened)
        else:
            kept = True
            if character == "\\":
                character, step = _escaped(source, at, rules), 2
        if kept:
            characters.append(character)
            columns.append(column)
        at += step
    if open_:
        raise source.refused(f"this {text[open_[-1].at]} is never closed", at=open_[-1].at)
    return Word(source.whole, "".join(characters), (*columns, source.columns[at])), at


@dataclass(frozen=True, slots=True)
class _Open:
    """A quote or bracket whose end has not come yet."""

    closer: str
    at: int
    is_kept: bool
    """Whether it belongs to the word: a bracket always, a quote inside of something else."""


def _opened(character: str, at: int, around: list[_Open], rules: Rules) -> _Open | None:
    """Return what `character` opens, None when it opens nothing: all is plain within single quotes."""
    if around and around[-1].closer == "'":
        return None
    if rules.quotes and character in "'\"":
        return _Open(character, at, is_kept=bool(around))
    if character in rules.brackets:
        return _Open(_CLOSERS[character], at, is_kept=True)
    return None


def _escaped(source: Word, at: int, rules: Rules) -> str:
    character = source.text[at + 1 : at + 2]
    if not character:
        raise source.refused("nothing follows this backslash", "Write \\\\ for one.", at=at)
    if rules.c_escapes:
        character = _C_ESCAPES.get(character, character)
    if character == "\0":
        raise source.refused("a NUL byte does not belong there", "Remove it.", at=at)
    return character


def _options(whole: Word, at: int) -> list[Given]:
    given: list[Given] = []
    text = whole.text
    while at < len(text):
        if text.startswith(DUAL, at):
            remedy = "Give one address to read and write; -u and -U make a relay one-way."
            raise whole.refused(f"two addresses joined by {DUAL} are not done here", remedy, at=at)
        if text[at] == ",":
            at += 1
            continue
        name, stop = lex(whole, at, (DUAL, ",", "="), ADDRESS)
        if not name.text:
            raise whole.refused("the name of an option is missing", "Write for example ttl=4.", at=at)
        value, at = None, stop
        if text.startswith("=", stop):
            value, at = lex(whole, stop + 1, (DUAL, ","), ADDRESS)
        given.append(Given(name, value))
    return given


def _whole(text: str) -> Word:
    if len(text) > MAX_TEXT:
        reason = f"it is longer than {MAX_TEXT} characters"
        raise EndpointError(text[:MAX_TEXT], MAX_TEXT, reason, what=WHAT)
    if "\0" in text:
        reason = "a NUL byte does not belong there"
        raise EndpointError(text, text.index("\0"), reason, "Remove it.", what=WHAT)
    return Word(text, text, tuple(range(len(text) + 1)))
