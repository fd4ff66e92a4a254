"""Literals of an endpoint as somebody typed them: addresses and numbers, and where exactly each is wrong.

A `Piece` is a part of the text that remembers its column, so that every refusal points at
the character it is about. Only ASCII is read: a digit of another script is not a digit here.
Nothing is looked up; what a piece means in an endpoint is `address`'s affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import TypeAlias

from mcast_tui.errors import EndpointError

Address: TypeAlias = IPv4Address | IPv6Address

MAX_TEXT = 256
"""Longer than any endpoint: two full IPv6 addresses, an interface name, port and run fit three times."""

_DIGITS = frozenset("0123456789")
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class Piece:
    """The characters `start` to `stop` of a text that is being read."""

    whole: str
    start: int
    stop: int

    def __str__(self) -> str:
        return self.whole[self.start : self.stop]

    def __bool__(self) -> bool:
        return self.stop > self.start

    def startswith(self, character: str) -> bool:
        return self.whole.startswith(character, self.start, self.stop)

    def skip(self, characters: int) -> Piece:
        """Return this piece without its first characters."""
        return Piece(self.whole, self.start + characters, self.stop)

    def cut(self, separator: str) -> tuple[Piece, Piece | None]:
        """Return what stands before and after the first `separator`; after is None when there is none."""
        at = self.whole.find(separator, self.start, self.stop)
        if at < 0:
            return self, None
        return Piece(self.whole, self.start, at), Piece(self.whole, at + len(separator), self.stop)

    def split(self, separator: str) -> list[Piece]:
        """Return the pieces between all separators."""
        pieces: list[Piece] = []
        rest: Piece | None = self
        while rest is not None:
            piece, rest = rest.cut(separator)
            pieces.append(piece)
        return pieces

    def find_any(self, characters: frozenset[str]) -> int | None:
        """Return the offset of the first of `characters`, None when there is none."""
        return next((at for at, character in enumerate(str(self)) if character in characters), None)

    def find_other_than(self, characters: frozenset[str]) -> int | None:
        """Return the offset of the first character that is none of these, None when all are."""
        return next((at for at, character in enumerate(str(self)) if character not in characters), None)

    def refused(self, reason: str, remedy: str | None = None, *, at: int = 0) -> EndpointError:
        """Return the error that points at the character `at` of this piece."""
        return EndpointError(self.whole, self.start + at, reason, remedy)


def read_text(text: str) -> Piece:
    """Return all of `text` as a piece; refuses an empty or overlong one and all but visible ASCII."""
    if not text:
        raise EndpointError(text, 0, "it is empty", "Write for example 224.1.0.1:6666 or broadcast:6666.")
    if len(text) > MAX_TEXT:
        shown = text[:MAX_TEXT]  # an error must not carry a megabyte that somebody pasted
        raise EndpointError(shown, MAX_TEXT, f"it is longer than {MAX_TEXT} characters")
    for column, character in enumerate(text):
        if not "!" <= character <= "~":
            raise EndpointError(text, column, f"{_describe(character)} does not belong there", "Remove it.")
    return Piece(text, 0, len(text))


def _describe(character: str) -> str:
    if character == " ":
        return "a space"
    if character == "\0":
        return "a NUL byte"
    return f"the character U+{ord(character):04X}"


def parse_number(piece: Piece, what: str, low: int, high: int) -> int:
    """Return a decimal number without leading zeros from `low` to `high`; `what` names it in a refusal."""
    right = f"{what[0].upper()}{what[1:]} is a number from {low} to {high}."
    if not piece:
        raise piece.refused(f"{what} is missing", right)
    bad = piece.find_other_than(_DIGITS)
    if bad is not None:
        raise piece.refused(f"{str(piece)[bad]!r} is not a digit of {what}", right, at=bad)
    if piece.startswith("0") and len(str(piece)) > 1:
        raise piece.refused(f"{what} has a leading zero", f"Write {str(piece).lstrip('0') or '0'}.")
    number = int(str(piece))
    if not low <= number <= high:
        raise piece.refused(f"{what} {number} is not from {low} to {high}")
    return number


def parse_address(piece: Piece) -> Address:
    """Return the IPv4 or IPv6 address that the whole piece is; a host name is refused, never looked up."""
    if not piece:
        remedy = "Write a group such as 224.1.0.1 or [ff15::42], or the word broadcast."
        raise piece.refused("the address is missing", remedy)
    if ":" in str(piece) and piece.cut(":")[0].find_other_than(_HEXADECIMAL) is None:
        return _parse_ipv6(piece)
    if str(piece)[0] in _DIGITS:
        return _parse_ipv4(piece)
    remedy = "Names are not looked up: write an address such as 224.1.0.1 or [ff15::42], or broadcast."
    raise piece.refused(f"{str(piece)!r} is not an address", remedy)


def _parse_ipv4(piece: Piece) -> IPv4Address:
    octets = piece.split(".")
    for octet in octets[:4]:
        parse_number(octet, "the octet", 0, 255)
    if len(octets) != 4:
        fault = octets[4] if len(octets) > 4 else octets[-1]
        at = 0 if len(octets) > 4 else len(str(fault))
        raise fault.refused(f"an IPv4 address has 4 numbers, not {len(octets)}", at=at)
    return IPv4Address(str(piece))


def _parse_ipv6(piece: Piece) -> IPv6Address:
    bad = piece.find_other_than(_HEXADECIMAL | {":", "."})
    if bad is not None:
        raise piece.refused(f"{str(piece)[bad]!r} does not belong in an IPv6 address", at=bad)
    groups = piece.split(":")
    for group in groups:
        if len(str(group)) > 4 and "." not in str(group):
            raise group.refused("a group of an IPv6 address has at most 4 digits", at=4)
    try:
        address = IPv6Address(str(piece))
    except AddressValueError:
        second = str(piece).find("::", str(piece).find("::") + 1)
        if "::" in str(piece) and second > 0:
            raise piece.refused("an IPv6 address has :: only once", at=second) from None
        if len(groups) > 8:
            raise groups[8].refused("an IPv6 address has at most 8 groups") from None
        remedy = "It has 8 groups of hexadecimal digits; one :: may stand for a run of zeros."
        raise piece.refused(f"{str(piece)!r} is not a whole IPv6 address", remedy) from None
    if address.ipv4_mapped is not None:
        raise piece.refused("an IPv4 address is not written as IPv6 here", f"Write {address.ipv4_mapped}.")
    return address
