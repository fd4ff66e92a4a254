"""``--source ADDRESS`` and ``--block ADDRESS``: whom to hear in groups, and whom not (RFC 3376 section 2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mcast_tui.errors import EndpointError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcast_tui.wire.address import Address
    from mcast_tui.wire.place import Place


_REMEDY = "Write the address of one host, as 192.168.10.2 or fd00::2."


def from_sources(places: Iterable[Place], texts: Iterable[str]) -> list[Place]:
    """Return the places; one that names no source once for every source of its family.

    Raises `EndpointError` for a source that is none, and `UsageError` where one could only be ignored.
    """
    sources = dict.fromkeys(map(_parse_source, texts))
    if not sources:
        return list(places)
    chosen: list[Place] = []
    used: set[Address] = set()
    for place in places:
        if place.endpoint.source is not None:
            chosen.append(place)
            continue
        fitting = _fitting(place, sources)
        used.update(fitting)
        chosen += [replace(place, endpoint=replace(place.endpoint, source=source)) for source in fitting]
    for source in sources:
        if source not in used:
            raise UsageError(
                f"hear only {source}",
                "there is no group of its family among the endpoints that names no source itself",
                remedy="Leave this --source out.",
            )
    return chosen


def without_blocked(places: Iterable[Place], texts: Iterable[str]) -> list[Place]:
    """Return the places; the groups that name no source without every blocked source of their family.

    Raises `EndpointError` for a source that is none, and `UsageError` where one could only be ignored.
    """
    from mcast_tui.wire.membership.source_filter import FilterMode, SourceFilter

    blocked = dict.fromkeys(map(_parse_source, texts))
    chosen: list[Place] = []
    used: set[Address] = set()
    for place in places:
        endpoint = place.endpoint
        fitting = tuple(source for source in blocked if source.version == endpoint.family)
        if fitting and endpoint.source is None and endpoint.is_multicast:
            used.update(fitting)
            place = replace(place, sources=SourceFilter(FilterMode.EXCLUDE, fitting))  # noqa: PLW2901  # the same place, on its terms
        chosen.append(place)
    for source in blocked:
        if source not in used:
            raise UsageError(
                f"block {source}",
                "there is no group of its family among the endpoints that is heard from any source",
                remedy="Leave this --block out; --range goes with broadcast and unicast too.",
            )
    return chosen


def _fitting(place: Place, sources: Iterable[Address]) -> list[Address]:
    """Return the sources from which the place's group can be heard: one at least."""
    attempted, family = f"join {place} from one source", place.endpoint.family
    if not place.endpoint.is_multicast:
        raise UsageError(
            attempted, "a source goes with a group, and this is none", remedy="Use --range to filter."
        )
    fitting = [source for source in sources if source.version == family]
    if not fitting:
        reason = f"no --source is an IPv{family} address"
        raise UsageError(attempted, reason, remedy="Both must be of one family.")
    return fitting


def _parse_source(text: str) -> Address:
    from mcast_tui.wire.address import Kind, classify
    from mcast_tui.wire.literal import parse_address, read_text

    try:
        source = parse_address(read_text(text))
    except EndpointError as fault:
        raise EndpointError(text, fault.column, fault.reason, _REMEDY, what="source") from None
    if classify(source, ()) is not Kind.UNICAST or source.is_unspecified:
        raise EndpointError(text, 0, f"{source} is not the address of one host", _REMEDY, what="source")
    return source
