"""Source filters: whom one lets in, and what a host reports when it changes."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.membership.message import GroupRecord, RecordType
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, NOBODY, FilterMode, SourceFilter, state_change

GROUP = ip_address("232.1.1.1")
A, B, C = (ip_address(f"192.0.2.{number}") for number in (1, 2, 3))
FILTERS = st.builds(
    SourceFilter, st.sampled_from(FilterMode), st.lists(st.sampled_from([A, B, C]), unique=True).map(tuple)
)


def include(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.INCLUDE, sources)


def exclude(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.EXCLUDE, sources)


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
