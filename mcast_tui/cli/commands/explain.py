"""``mcast-tui explain``: topics of multicast in plain words."""

from __future__ import annotations

import click


@click.command()
@click.argument("words", nargs=-1, metavar="[TOPIC]")
def explain(words: tuple[str, ...]) -> int:
    """Explain a TOPIC in plain words, with where it is said; without one, list the topics.

    For example: mcast-tui explain snooping. Nothing is opened, joined or sent.
    """
    from mcast_tui.cli.explaining import topic_lines
    from mcast_tui.cli.prose import terminal_width
    from mcast_tui.services.membership.topics import TOPICS, need_topic

    if words:
        for line in topic_lines(need_topic(" ".join(words)), terminal_width()):
            print(line)
        return 0
    longest = max(len(topic.name) for topic in TOPICS)
    for topic in TOPICS:
        print(f"{topic.name:<{longest}}  {topic.title}")
    return 0
