"""Events of memberships as plain facts, under one name each: keys of a JSON object, variables of a hook.

Text among them is ours, addresses and names of interfaces apart; nothing of a payload is in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcast_tui.net.interfaces import interface_name
from mcast_tui.services.events import (
    GroupJoined,
    GroupLeft,
    MembershipNews,
    QuerierLost,
    StreamResumed,
    StreamStalled,
)
from mcast_tui.services.membership.facts import THIS_APP, What
from mcast_tui.services.serve.environment import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mcast_tui.services.events import Event
    from mcast_tui.services.group import Group
    from mcast_tui.services.membership.facts import QuerierFacts, TimelineEntry

FACTS = (
    "event", "time", "seen", "origin", "who", "group", "port", "interface", "ifindex", "users", "filter",
    "sources", "querier", "silent_s", "text",
)  # fmt: skip
"""Every fact there may be, in the order they are written."""


def facts_of(event: Event, at: int) -> dict[str, Any] | None:
    """Return the facts of an event that came at `at`, ns since the epoch, None for what is unknown.

    None instead of facts: it is none of memberships. What we did ourselves is told by its own event.
    """
    match event:
        case GroupJoined(group) if not group.is_broadcast:
            return _facts(event="join", time=rfc3339(group.joined_at), origin="setsockopt", **_ours(group))
        case GroupLeft(group) if not group.is_broadcast:
            return _facts(event="leave", time=rfc3339(at), origin="setsockopt", **_ours(group))
        case MembershipNews(entry) if not _is_told_already(entry):
            return facts_of_entry(entry)
        case QuerierLost(querier):
            return _facts_of_querier(querier, at)
        case StreamStalled(group, silent_for_s):
            return _facts_of_stream("stall", group, silent_for_s, at)
        case StreamResumed(group, silent_for_s):
            return _facts_of_stream("resume", group, silent_for_s, at)
    return None


def variables(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return facts as variables of an environment: ``MCAST_SILENT_S``, truths as 1 and 0, lists with commas.

    What is unknown has no variable.
    """
    return {f"MCAST_{name.upper()}": _word(value) for name, value in facts.items() if value is not None}


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    return ",".join(value) if isinstance(value, list) else str(value)


def _facts(**known: object) -> dict[str, Any]:
    return {name: known.get(name) for name in FACTS}


def _ours(group: Group) -> dict[str, Any]:
    """Return what is known of one of our own groups; its filter as the kernel said it last."""
    held = group.proven_filter
    return {
        "seen": True,
        "who": THIS_APP,
        "group": str(group.endpoint.address),
        "port": group.endpoint.port if group.endpoint.protocol is None else None,
        "interface": group.interface.name if group.interface else None,
        "ifindex": group.ifindex,
        "filter": None if held is None else held.mode.name,
        "sources": None if held is None else list(map(str, held.sources)),
    }


def _is_told_already(entry: TimelineEntry) -> bool:
    return entry.who == THIS_APP and entry.what in {What.JOIN, What.LEAVE}


def facts_of_entry(entry: TimelineEntry) -> dict[str, Any]:
    """Return the facts of one entry of the timeline."""
    view, reported = entry.view, entry.filter
    mode = view.filter_mode if view else reported.mode.name if reported else None
    sources = view.sources if view else reported.sources if reported else None
    return _facts(
        event=entry.what.value,
        time=rfc3339(entry.at),
        seen=entry.is_seen,
        origin=entry.origin,
        who=entry.who,
        group=None if entry.group is None else str(entry.group),
        interface=entry.interface,
        ifindex=entry.ifindex,
        users=None if view is None else view.users,
        filter=mode,
        sources=None if sources is None else list(map(str, sources)),
        text=entry.text,
    )


def _facts_of_querier(querier: QuerierFacts, at: int) -> dict[str, Any]:
    silent_s = round((at - querier.last_heard_at) / 1e9, 3)
    return _facts(
        event="querier-lost",
        time=rfc3339(at),
        seen=False,  # that it is lost follows from its silence
        origin="tap",
        interface=interface_name(querier.ifindex),
        ifindex=querier.ifindex,
        querier=str(querier.address),
        silent_s=silent_s,
        text=f"no general query for {silent_s:.0f} s, one is due every {querier.interval_s:g} s",
    )


def _facts_of_stream(name: str, group: Group, silent_for_s: float, at: int) -> dict[str, Any]:
    known = {**_ours(group), "who": None}
    return _facts(event=name, time=rfc3339(at), origin="socket", silent_s=round(silent_for_s, 3), **known)
