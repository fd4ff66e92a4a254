"""The lines of a lesson's ``expect``: ``viewer receives all of stream``, read as claims."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom import claims
from mcast_tui.services.lab.classroom.sentence import Grammar
from mcast_tui.services.lab.wiring import SWITCH_NUMBER, Lan

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.cast import Cast
    from mcast_tui.services.lab.classroom.verdict import Claim


@dataclass(frozen=True, slots=True)
class Expectation:
    """A claim, and the sentence it was read from."""

    text: str
    claim: Claim


def read_expectation(text: str, cast: Cast) -> Expectation:
    """Read a sentence; raises UsageError that says what would be right."""
    return Expectation(text, EXPECTATIONS.read(text, cast))


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise UsageError(f"read the address {text!r}", str(error)) from error


def _receives(share: str, cast: Cast, member: str, sender: str) -> Claim:
    return claims.Receives(cast.member(member).name, cast.sender(sender).name, share)


def _carries(cast: Cast, host: str, sender: str, lan: str | None = None, *, is_carried: bool) -> Claim:
    number, chosen = cast.place(host, lan)
    return claims.Carries(number, chosen, cast.sender(sender).name, is_carried)


def _lists(
    cast: Cast, host: str, group: str, source: str | None = None, lan: str | None = None, *, is_listed: bool
) -> Claim:
    number, chosen = cast.place(host, lan)
    wanted = None if source is None else _address(source)
    return claims.Lists(number, chosen, _address(group), wanted, is_listed)


def _users(cast: Cast, host: str, users: str, group: str, lan: str | None = None) -> Claim:
    number, chosen = cast.place(host, lan)
    return claims.HasUsers(number, chosen, _address(group), int(users))


def _speaks(cast: Cast, host: str, version: str, lan: str | None = None) -> Claim:
    number, chosen = cast.place(host, lan)
    return claims.Speaks(number, chosen, int(version))


def _counts(cast: Cast, host: str, counter: str, sender: str, *, is_counted: bool) -> Claim:
    return claims.Counts(cast.host(host), counter, cast.sender(sender).name, is_counted)


def _querier(cast: Cast, host: str, lan: str | None = None) -> Claim:
    number, chosen = cast.place(host, lan)
    return claims.KnowsQuerier(chosen, Lan(chosen).address4(number).ip)


def _own_querier(cast: Cast, lan: str | None = None) -> Claim:
    chosen = cast.lan(lan)
    return claims.KnowsQuerier(chosen, Lan(chosen).address4(SWITCH_NUMBER).ip)


EXPECTATIONS: Grammar[Claim] = Grammar(
    "expectation",
    {
        "MEMBER receives all of SENDER": lambda *them, **who: _receives("all", *them, **who),
        "MEMBER receives some of SENDER": lambda *them, **who: _receives("some", *them, **who),
        "MEMBER receives none of SENDER": lambda *them, **who: _receives("none", *them, **who),
        "MEMBER goes on receiving SENDER": lambda cast, member, sender: claims.GoesOn(
            cast.member(member).name, cast.sender(sender).name
        ),
        "MEMBER hears SENDER with ttl TTL": lambda cast, member, sender, ttl: claims.ArrivesWith(
            cast.member(member).name, cast.sender(sender).name, int(ttl)
        ),
        "port HOST [on lan LAN] carries SENDER": lambda *them, **who: _carries(*them, is_carried=True, **who),
        "port HOST [on lan LAN] does not carry SENDER": lambda *them, **who: _carries(
            *them, is_carried=False, **who
        ),
        "mdb has GROUP [from SOURCE] at HOST [on lan LAN]": lambda *them, **who: _lists(
            *them, is_listed=True, **who
        ),
        "mdb does not have GROUP [from SOURCE] at HOST [on lan LAN]": lambda *them, **who: _lists(
            *them, is_listed=False, **who
        ),
        "host HOST has USERS users of GROUP [on lan LAN]": _users,
        "host HOST has 1 user of GROUP [on lan LAN]": lambda cast, host, group, lan=None: _users(
            cast, host, "1", group, lan
        ),
        "host HOST speaks igmp VERSION [on lan LAN]": _speaks,
        "host HOST counts SENDER in COUNTER": lambda *them, **who: _counts(*them, is_counted=True, **who),
        "host HOST does not count SENDER in COUNTER": lambda *them, **who: _counts(
            *them, is_counted=False, **who
        ),
        "switch hears querier HOST [on lan LAN]": _querier,
        "switch is the querier [on lan LAN]": _own_querier,
        "switch hears no querier [on lan LAN]": lambda cast, lan=None: claims.KnowsQuerier(
            cast.lan(lan), None
        ),
    },
)
"""Every claim a lesson can make."""
