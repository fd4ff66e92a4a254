"""Topics that can be explained: found by name or alias, and the nearest one where a name is misspelt."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from mcast_tui.errors import UsageError
from mcast_tui.services.membership.topic_texts import addresses, membership, receiving, sending

if TYPE_CHECKING:
    from mcast_tui.services.membership.topic_texts.topic import Topic

TOPICS: tuple[Topic, ...] = tuple(
    sorted(
        (*membership.TOPICS, *addresses.TOPICS, *receiving.TOPICS, *sending.TOPICS),
        key=lambda topic: topic.name,
    )
)
"""All of them, by name."""

_BY_NAME = {name: topic for topic in TOPICS for name in (topic.name, *topic.aliases)}


def find_topic(name: str) -> Topic | None:
    """Return the topic of that name or alias, however its letters are written."""
    return _BY_NAME.get(" ".join(name.lower().split()))


def need_topic(name: str) -> Topic:
    """Return the topic of that name; raise `UsageError` with the nearest one where there is none."""
    topic = find_topic(name)
    if topic is None:
        nearest = _nearest(name)
        raise UsageError(
            f"explain {name!r}",
            "there is no such topic",
            remedy=f"Did you mean {nearest.name!r}?" if nearest else f"Topics: {topic_names()}.",
        )
    return topic


def topic_names() -> str:
    """Return the names of all topics, in a row."""
    return ", ".join(topic.name for topic in TOPICS)


def _nearest(name: str) -> Topic | None:
    """Return what was probably meant: the one that begins so, else has the word, else is most alike."""
    wanted = " ".join(name.lower().split())
    begun = [known for known in _BY_NAME if known.startswith(wanted)]
    within = [known for known in _BY_NAME if wanted in known]
    found = begun or within or difflib.get_close_matches(wanted, _BY_NAME, n=1, cutoff=0.6)
    return _BY_NAME[found[0]] if found else None
