"""Which two groups at one address would show a packet twice, and whose packets are whose."""

from __future__ import annotations

from contextlib import ExitStack
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services.group import Group
from mcast_tui.services.overlap import refuse_overlap, refuse_shared, take_over
from mcast_tui.services.source_change import Change, SourceChange
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.membership.source_filter import ANY_SOURCE, FilterMode, SourceFilter
from mcast_tui.wire.scope import Kind

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def only(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.INCLUDE, sources)


def all_but(*sources) -> SourceFilter:
    return SourceFilter(FilterMode.EXCLUDE, sources)


def group(notation: str, held: SourceFilter = ANY_SOURCE) -> Group:
    made = Group(
        id=1,
        endpoint=parse_endpoint(notation),
        kind=Kind.MULTICAST,
        interface=None,
        port=None,
        intake=None,
        membership=SimpleNamespace(filter=lambda: held),
        joined_at=0,
        resources=ExitStack(),
    )
    made.take_filter(held, is_new=True)
    return made


@pytest.mark.parametrize(
    ("joined", "held", "wanted", "sources", "reason"),
    [
        ("239.1.1.1", ANY_SOURCE, "239.1.1.1", None, r"it is joined already\."),
        ("239.1.1.1", ANY_SOURCE, "192.0.2.1,239.1.1.1", None, r"joined already, from any source\."),
        ("192.0.2.1,239.1.1.1", only(A), "192.0.2.1,239.1.1.1", None, r"it is joined already\."),
        ("192.0.2.1,239.1.1.1", only(A), "239.1.1.1", None, "joined already, from 192.0.2.1 only"),
        ("239.1.1.1", all_but(A), "192.0.2.1,239.1.1.1", None, r"joined already, from EXCLUDE \{192.0.2.1\}"),
        ("192.0.2.1,239.1.1.1", only(A, B), "192.0.2.2,239.1.1.1", None, "hears INCLUDE"),
        ("192.0.2.2,239.1.1.1", only(A), "192.0.2.3,239.1.1.1", only(A), "192.0.2.1 is heard in"),
    ],
)
def test_who_would_hear_what_a_group_hears_already_is_refused(joined, held, wanted, sources, reason) -> None:
    with pytest.raises(UsageError, match=reason):
        refuse_overlap(parse_endpoint(wanted), None, sources, [group(joined, held)])


def test_another_source_joins_beside_and_the_newer_group_gets_what_it_hears() -> None:
    older = group("192.0.2.1,239.1.1.1", only(A))
    older.take_filter(only(B))
    older.take_filter(only(A))  # it heard B for a while
    refuse_overlap(parse_endpoint("192.0.2.2,239.1.1.1"), None, None, [older])
    take_over(group("192.0.2.2,239.1.1.1", only(B)), [older])
    assert older.shown_sources == (A,)


@pytest.mark.parametrize("kind", [Change.ADD, Change.ONLY])
def test_a_source_is_not_added_that_a_group_beside_hears(kind) -> None:
    of_a, of_b = group("192.0.2.1,239.1.1.1", only(A)), group("192.0.2.2,239.1.1.1", only(B))
    with pytest.raises(UsageError, match=r"192\.0\.2\.2 is heard in .* already") as refused:
        refuse_shared(SourceChange(kind, (B,)), of_a, [of_b])
    assert "/leave" in refused.value.remedy
    refuse_shared(SourceChange(Change.DROP, (B,)), of_a, [of_b])
