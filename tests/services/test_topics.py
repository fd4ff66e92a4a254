"""Topics that can be explained: each reachable, with a reference, and none leading nowhere."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from mcast_tui.cli.explaining import explanation_lines, topic_lines
from mcast_tui.cli.prose import NARROWEST
from mcast_tui.errors import UsageError
from mcast_tui.services.membership.facts import Explanation, Step
from mcast_tui.services.membership.topics import TOPICS, find_topic, need_topic

ASKED_FOR = (
    "pktinfo", "scope", "TTL", "hop limit", "loop", "SSM", "ASM", "join", "leave", "report", "snooping",
    "querier", "prune", "broadcast kinds", "MULTICAST_ALL", "bind address", "source port", "rp_filter",
    "MAC aliases", "IGMP versions", "MLD", "receive buffer", "drops", "routes", "firewall", "IPv6 scopes",
    "raw IP", "TPACKET", "tap", "chat security", "IP_PKTINFO", "block",
)  # fmt: skip
REFERENCE = re.compile(r"RFC \d+|[a-z0-9_-]+\(\d\)|kernel ip-sysctl|linux/")
EVERY = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)


@pytest.mark.parametrize("name", ASKED_FOR)
def test_what_people_ask_for_is_a_topic(name: str) -> None:
    assert find_topic(name) in TOPICS


@EVERY
def test_a_topic_says_something_and_where_it_is_said(topic) -> None:
    assert topic.paragraphs
    assert all(paragraph.endswith((".", ":")) for paragraph in topic.paragraphs)
    assert topic.references
    assert all(REFERENCE.match(reference) for reference in topic.references)


@EVERY
def test_a_topic_is_reached_by_its_names_and_leads_to_topics_only(topic) -> None:
    for name in (topic.name, topic.name.upper(), *topic.aliases):
        assert find_topic(name) is topic
    for name in topic.see_also:
        assert find_topic(name) in TOPICS
        assert find_topic(name) is not topic


def test_no_two_topics_share_a_name() -> None:
    names = Counter(name for topic in TOPICS for name in {topic.name, *topic.aliases})
    assert not [name for name, count in names.items() if count > 1]
    assert all(name == name.lower() for name in names)


@EVERY
@pytest.mark.parametrize("width", [NARROWEST, 80])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_left_out(topic, width: int) -> None:
    lines = list(topic_lines(topic, width))
    assert max(map(len, lines)) <= width
    for text in (*topic.paragraphs, ", ".join(topic.references)):
        assert " ".join(text.split()) in " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("snoping", "snooping"), ("rcvbu", "receive buffer"), ("pktinf", "pktinfo"), ("cap_net", "tap")],
)
def test_an_unknown_topic_offers_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(UsageError, match="there is no such topic") as refused:
        need_topic(typed)
    assert refused.value.remedy == f"Did you mean {meant!r}?"


def test_a_topic_like_none_is_answered_with_all_of_them() -> None:
    with pytest.raises(UsageError) as refused:
        need_topic("xyzzy")
    assert all(topic.name in (refused.value.remedy or "") for topic in TOPICS)


def test_the_lines_of_an_explanation_are_wrapped_and_say_what_was_seen() -> None:
    steps = (
        Step(True, "The kernel took it.", "setsockopt"),
        Step(False, "word " * 60, "RFC 3376 section 5.1"),
    )
    lines = list(explanation_lines(Explanation(0, "You joined \x1b[31m239.1.1.1.", steps), 60))
    assert max(map(len, lines)) <= 60
    assert lines[1] == "1 * The kernel took it. [setsockopt]"
    assert lines[2].startswith("2 o word")
    assert not any("\x1b" in line for line in lines)
