"""What a person does to a source filter: the filter that comes of it, and what is refused."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services.source_change import Change, SourceChange, apply_change
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, SourceFilter

A, B, C = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))


def include(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.INCLUDE, sources)


def exclude(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.EXCLUDE, sources)


def changed(current: SourceFilter, kind: Change, *sources) -> SourceFilter:
    return apply_change(current, SourceChange(kind, sources), "change it", family=4)


@pytest.mark.parametrize(
    ("before", "kind", "sources", "after"),
    [
        (include(A), Change.ADD, (B, C), include(A, B, C)),
        (include(A, B), Change.DROP, (A,), include(B)),
        (include(A, B), Change.ONLY, (C,), include(C)),
        (ANY_SOURCE, Change.ONLY, (A,), include(A)),
        (exclude(A), Change.ONLY, (A,), include(A)),
        (ANY_SOURCE, Change.BLOCK, (A, B), exclude(A, B)),
        (exclude(A), Change.BLOCK, (B,), exclude(A, B)),
        (exclude(A), Change.UNBLOCK, (A,), ANY_SOURCE),
    ],
)
def test_a_change_makes_this_filter(before, kind, sources, after) -> None:
    assert changed(before, kind, *sources) == after


@pytest.mark.parametrize(
    ("before", "kind", "sources", "reason", "remedy"),
    [
        (ANY_SOURCE, Change.ADD, (A,), "it hears any source", "/source only 192.0.2.1 "),
        (exclude(B), Change.DROP, (A,), "it hears any source", "/block 192.0.2.1 "),
        (include(A), Change.BLOCK, (A,), "chosen sources only", "/source drop 192.0.2.1 "),
        (include(A), Change.UNBLOCK, (B,), "chosen sources only", "/source add 192.0.2.2 "),
        (include(A), Change.ADD, (A,), "192.0.2.1 is heard already", ""),
        (exclude(A), Change.BLOCK, (B, A), "192.0.2.1 is blocked already", ""),
        (include(A), Change.DROP, (B,), "192.0.2.2 is not heard", ""),
        (exclude(A), Change.UNBLOCK, (B,), "192.0.2.2 is not blocked", ""),
        (include(A, B), Change.ONLY, (B, A), "that is so already", ""),
        (include(A, B), Change.DROP, (A, B), "to hear nobody is to leave", "/leave"),
        (ANY_SOURCE, Change.BLOCK, (ip_address("fd00::1"),), "no IPv4 address", "one family"),
    ],
)
def test_a_change_that_does_not_fit_says_why_and_what_would(before, kind, sources, reason, remedy) -> None:
    with pytest.raises(UsageError) as refused:
        changed(before, kind, *sources)
    assert reason in refused.value.reason
    assert remedy in (refused.value.remedy or "")
    assert refused.value.attempted == "change it"
