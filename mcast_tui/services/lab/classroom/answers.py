"""What a person answers, read: a group to join, what to send where, how many percent to drop.

Pure. A wrong answer is a UsageError that says what would be right.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mcast_tui.errors import EndpointError, UsageError
from mcast_tui.services.lab.classroom.parts import MAXIMUM_RATE, PORT, Member, Sender
from mcast_tui.wire.address import Endpoint, parse_endpoint, parse_group

if TYPE_CHECKING:
    from collections.abc import Sequence

RATE = 20.0
"""Packets a second when none are named: seen to flow, and few enough to be told apart from none."""
MOST_HOPS = 255
JOIN_HINT = "GROUP[:PORT], SOURCE,GROUP or broadcast"
SEND_HINT = "GROUP[:PORT] [PACKETS/S] [ttl N]"
DROP_HINT = "percent, 0 to 100"
_INTERFACE = re.compile(r"eth(\d+)")


def read_member(text: str, name: str, host: int, lans: Sequence[int]) -> Member:
    """Read what a host is to join: a group, a source's packets to it, or a port for broadcast and unicast."""
    endpoint = parse_group(text, PORT)
    _refuse_what_has_no_meaning(text, endpoint)
    lan = _lan(text, endpoint, lans)
    group = endpoint.address if endpoint.is_multicast else None
    return Member(name, host, group, endpoint.port, endpoint.source, lan)


def read_sender(text: str, name: str, host: int, lans: Sequence[int]) -> Sender:
    """Read where a host is to send, how many packets a second, and with which TTL."""
    place, *words = text.split() or [""]
    endpoint = parse_endpoint(place, PORT)
    _refuse_what_has_no_meaning(text, endpoint)
    if endpoint.source is not None:
        reason = "a sender sends from its own address"
        raise EndpointError(text, 0, reason, f"For example: {endpoint.address} 20", what="destination")
    rate, ttl = RATE, 1
    while words:
        word = words.pop(0)
        if word.lower() == "ttl" and words:
            ttl = int(_number(text, words.pop(0), "ttl", 1, MOST_HOPS))
        else:
            rate = _number(text, word.removesuffix("/s"), "rate", 0.1, MAXIMUM_RATE)
    return Sender(name, host, endpoint.address, endpoint.port, rate, ttl, lan=_lan(text, endpoint, lans))


def read_percent(text: str) -> int:
    """Read ``30`` or ``30 %``."""
    return int(_number(text, text.removesuffix("%").strip(), "percentage", 0, 100, whole=True))


def _number(text: str, word: str, what: str, least: float, most: float, *, whole: bool = False) -> float:
    """Read a number within bounds; raises UsageError that names them."""
    form = r"\d{1,6}" if whole or what == "ttl" else r"\d{1,6}(\.\d{1,6})?"
    if re.fullmatch(form, word, re.ASCII) and least <= float(word) <= most:
        return float(word)
    remedy = f"It is a{' whole' if whole or what == 'ttl' else ''} number from {least:g} to {most:g}."
    raise UsageError(f"read the {what} in {text!r}", f"{word!r} is none", remedy=remedy)


def _refuse_what_has_no_meaning(text: str, endpoint: Endpoint) -> None:
    remedy = f"For example: {endpoint.address}:{endpoint.port or PORT}"
    if endpoint.protocol is not None:
        raise EndpointError(text, 0, "the hosts of the lab speak UDP, not raw IP", remedy)
    if endpoint.count > 1:
        raise EndpointError(text, text.index("+"), "one group at a time here", remedy)


def _lan(text: str, endpoint: Endpoint, lans: Sequence[int]) -> int:
    """Return the LAN that ``%eth1`` means; the host's first when no interface is named."""
    if endpoint.interface is None:
        return lans[0]
    found = _INTERFACE.fullmatch(endpoint.interface)
    if found and int(found[1]) in lans:
        return int(found[1])
    known = ", ".join(f"eth{lan}" for lan in lans)
    raise EndpointError(text, text.index("%"), f"this host has no {endpoint.interface!r}", f"It has {known}.")
