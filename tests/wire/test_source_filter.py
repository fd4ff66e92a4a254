"""Source filters: how a person changes one, what is refused, and what a host then reports."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.errors import UsageError
from mcast_tui.wire.membership.message import GroupRecord, RecordType
from mcast_tui.wire.membership.source_filter import (
    ANY_SOURCE,
    NOBODY,
    Change,
    FilterMode,
    SourceChange,
    SourceFilter,
    apply_change,
    state_change,
)

GROUP = ip_address("232.1.1.1")
A, B, C = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))
FILTERS = st.builds(
    SourceFilter, st.sampled_from(FilterMode), st.lists(st.sampled_from([A, B, C]), unique=True).map(tuple)
)


def include(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.INCLUDE, sources)


def exclude(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.EXCLUDE, sources)


def changed(current: SourceFilter, kind: Change, *sources) -> SourceFilter:
    return apply_change(current, SourceChange(kind, sources), "232.1.1.1 on eth0", family=4)


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
    assert "232.1.1.1 on eth0" in refused.value.attempted


@pytest.mark.parametrize(
    ("before", "after", "records"),
    [  # RFC 3376 section 5.1, row by row
        (include(A, B), include(B, C), [("ALLOW_NEW_SOURCES", C), ("BLOCK_OLD_SOURCES", A)]),
        (exclude(A, B), exclude(B, C), [("ALLOW_NEW_SOURCES", A), ("BLOCK_OLD_SOURCES", C)]),
        (include(A), exclude(B), [("CHANGE_TO_EXCLUDE_MODE", B)]),
        (exclude(A), include(B), [("CHANGE_TO_INCLUDE_MODE", B)]),
        (NOBODY, ANY_SOURCE, [("CHANGE_TO_EXCLUDE_MODE",)]),
        (ANY_SOURCE, NOBODY, [("CHANGE_TO_INCLUDE_MODE",)]),
        (NOBODY, include(A), [("ALLOW_NEW_SOURCES", A)]),
        (include(A), NOBODY, [("BLOCK_OLD_SOURCES", A)]),
    ],
)
def test_a_change_of_state_is_reported_as_the_standard_has_it(before, after, records) -> None:
    wanted = [GroupRecord(RecordType[name], GROUP, tuple(sources)) for name, *sources in records]
    assert list(state_change(GROUP, before, after)) == wanted


@given(FILTERS, FILTERS)
def test_whoever_hears_the_records_knows_the_new_filter(before: SourceFilter, after: SourceFilter) -> None:
    """A listener that applies them to the old filter lets in exactly whom the new one lets in."""
    heard = before
    for record in state_change(GROUP, before, after):
        named = set(record.sources)
        if record.type is RecordType.CHANGE_TO_INCLUDE_MODE:
            heard = include(*named)
        elif record.type is RecordType.CHANGE_TO_EXCLUDE_MODE:
            heard = exclude(*named)
        else:
            grows = (record.type is RecordType.ALLOW_NEW_SOURCES) == (heard.mode is FilterMode.INCLUDE)
            listed = set(heard.sources) | named if grows else set(heard.sources) - named
            heard = SourceFilter(heard.mode, tuple(listed))
    assert {each for each in (A, B, C) if heard.admits(each)} == {
        each for each in (A, B, C) if after.admits(each)
    }
    assert heard.mode is after.mode


def test_a_filter_is_written_as_the_standard_writes_it() -> None:
    assert [str(each) for each in (ANY_SOURCE, include(A, B))] == [
        "EXCLUDE {}",
        "INCLUDE {192.0.2.1, 192.0.2.2}",
    ]
