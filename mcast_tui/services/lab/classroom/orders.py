"""The lines of a lesson's ``do``: ``join viewer``, ``cut 2``, ``query 4 every 1``, read as actions."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom import actions
from mcast_tui.services.lab.classroom.sentence import Grammar

if TYPE_CHECKING:
    from mcast_tui.services.lab.classroom.actions import Action, Pause
    from mcast_tui.services.lab.classroom.cast import Cast

SHORTEST_INTERVAL_S = 0.2
"""Between the queries of a host: they are for learning members, not for load."""


def _cut(cast: Cast, host: str, lan: str | None = None) -> Action:
    return actions.Cut(*cast.place(host, lan))


def _plug(cast: Cast, host: str, lan: str | None = None) -> Action:
    return actions.Plug(*cast.place(host, lan))


def _lose(cast: Cast, percent: str, host: str, lan: str | None = None) -> Action:
    if int(percent) > 100:
        raise UsageError(f"lose {percent} % of the packets", "it is 0 to 100 %")
    number, chosen = cast.place(host, lan)
    return actions.Lose(number, int(percent), chosen)


def _query(cast: Cast, host: str, version: str = "3", seconds: str = "1", lan: str | None = None) -> Action:
    number, chosen = cast.place(host, lan)
    interval = float(seconds)
    if interval < SHORTEST_INTERVAL_S or version == "1":
        raise UsageError(
            "become a querier", f"it speaks IGMPv2 or 3, every {SHORTEST_INTERVAL_S:g} s or more seldom"
        )
    return actions.Ask(number, int(version), interval, min(interval / 2, 1.0), chosen)


def _speak(cast: Cast, host: str, version: str = "0", lan: str | None = None) -> Action:
    number, chosen = cast.place(host, lan)
    return actions.SetIgmpVersion(number, int(version), chosen)


def _filter(cast: Cast, host: str, mode: str, lan: str | None = None) -> Action:
    number, chosen = cast.place(host, lan)
    return actions.SetReversePathFilter(number, int(mode), chosen)


def _route(cast: Cast, host: str, network: str | None = None) -> Action:
    try:
        boundaries = () if network is None else (str(IPv4Network(network)),)
    except ValueError as error:
        raise UsageError(f"read the boundary {network!r}", str(error)) from error
    return actions.Route(cast.host(host), boundaries)


ORDERS: Grammar[Action | Pause] = Grammar(
    "order",
    {
        "join MEMBER": lambda cast, member: actions.Join(cast.member(member)),
        "leave MEMBER": lambda cast, member: actions.Leave(cast.member(member).name),
        "start SENDER": lambda cast, sender: actions.Start(cast.sender(sender)),
        "stop SENDER": lambda cast, sender: actions.Stop(cast.sender(sender).name),
        "cut HOST [on lan LAN]": _cut,
        "plug HOST [on lan LAN]": _plug,
        "lose PERCENT % to HOST [on lan LAN]": _lose,
        "snooping on": lambda _: actions.SetSnooping(on=True),
        "snooping off": lambda _: actions.SetSnooping(on=False),
        "querier on [with igmp VERSION]": lambda _, version="3": actions.SetQuerier(
            on=True, version=int(version)
        ),
        "querier off": lambda _: actions.SetQuerier(on=False),
        "query HOST [with igmp VERSION] [every SECONDS] [on lan LAN]": _query,
        "hush HOST": lambda cast, host: actions.StopAsking(cast.host(host)),
        "igmp VERSION on HOST [on lan LAN]": _speak,
        "igmp free on HOST [on lan LAN]": _speak,
        "rp_filter MODE on HOST [on lan LAN]": _filter,
        "route HOST [but not NETWORK]": _route,
        "unroute HOST": lambda cast, host: actions.StopRouting(cast.host(host)),
        "wait SECONDS": lambda _, seconds: actions.Pause(float(seconds)),
    },
)
"""Every order a lesson can give."""
