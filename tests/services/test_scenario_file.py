"""A described LAN is read strictly: whatever is wrong is refused with the file, the place and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import UsageError
from mcast_tui.services.lab.classroom import actions
from mcast_tui.services.lab.classroom.expectations import EXPECTATIONS
from mcast_tui.services.lab.classroom.orders import ORDERS
from mcast_tui.services.lab.classroom.scenario_file import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """
title = "A title"
[lan]
hosts = 3
lans = [[1, 2], [2, 3]]
[[member]]
name = "viewer"
host = 2
group = "239.1.1.1"
[[sender]]
name = "stream"
host = 1
to = "239.1.1.1"
[[step]]
title = "A step"
do = ["join viewer"]
expect = ["viewer receives none of stream"]
"""
SENTENCES = {
    "HOST": "2", "LAN": "1", "PERCENT": "30", "SECONDS": "1.5", "VERSION": "3", "MODE": "2", "USERS": "1",
    "TTL": "4", "GROUP": "239.1.1.1", "SOURCE": "192.168.10.1", "NETWORK": "239.255.0.0/16",
    "MEMBER": "viewer", "SENDER": "stream", "COUNTER": "Udp.NoPorts",
}  # fmt: skip


def read(tmp_path: Path, text: str) -> object:
    path = tmp_path / "lan.toml"
    path.write_text(text)
    return read_scenario(path)


@pytest.mark.parametrize(
    ("old", "new", "place", "reason"),
    [
        ('title = "A title"', "", "title of lan.toml", "missing"),
        ('title = "A title"', "title = 3", "title of lan.toml", "3 is not a text"),
        ('title = "A title"', 'title = "\\u001b[2J"', "title of lan.toml", "control characters"),
        ("[lan]", 'colour = "red"\n[lan]', "colour of lan.toml", "Known here: title, text"),
        ("hosts = 3", "hosts = 17", "lan.hosts", "a whole number from 1 to 16"),
        ("hosts = 3", "hosts = true", "lan.hosts", "True is not a whole number"),
        ("hosts = 3", "hosts = 3\nsnoping = true", "lan.snoping", "Did you mean snooping?"),
        ("hosts = 3", "hosts = 3\nmembership_s = 0", "lan.membership_s", "a number from 0.1 to 600"),
        ("hosts = 3", "hosts = 4", "lan.lans", "every host is on one of them"),
        ("[2, 3]", "[2, 9]", "lan.lans", "host numbers from 1 to 3"),
        ("[2, 3]", "[2, 3], []", "lan.lans", "one host at least"),
        ('name = "viewer"', 'name = "The Viewer"', "member 1.name", "A small letter"),
        ("host = 2", "host = 4", "member 1.host", "hosts are 1 to 3"),
        ("host = 2", "host = 3\nlan = 0", "member 1.host", "it is on LAN 1"),
        ('group = "239.1.1.1"', 'group = "10.0.0.1"', "member 1.group", "no multicast group"),
        ('group = "239.1.1.1"', 'group = "239.1.1"', "member 1.group", "not an address"),
        ('group = "239.1.1.1"', 'source = "10.0.0.1"', "member 1.source", "a source goes with a group"),
        ('to = "239.1.1.1"', "", "sender 1.to", "missing"),
        ('to = "239.1.1.1"', 'to = "239.1.1.1"\nrate = 5000', "sender 1.rate", "from 1 to 1000"),
        ("[[sender]]", '[[member]]\nname="viewer"\nhost=1\n[[sender]]', "member 2.name", "two of the name"),
        ('"join viewer"', '"join viewre"', "step 1.do", "it has viewer"),
        ('"join viewer"', '"joins viewer"', "step 1.do", "It would be 'join MEMBER'"),
        ('"join viewer"', '"cut 3 on lan 0"', "step 1.do", "it is on LAN 1"),
        ('"join viewer"', '"lose 101 % to 1"', "step 1.do", "0 to 100 %"),
        ('"join viewer"', '"query 1 with igmp 1"', "step 1.do", "IGMPv2 or 3"),
        ('"join viewer"', '"route 2 but not 239.255.0.1/16"', "step 1.do", "host bits set"),
        ('"join viewer"', "7", "step 1.do", "no list of"),
        ("receives none of", "sees none of", "step 1.expect", "It would be 'MEMBER receives"),
        ("none of stream", "none of river", "step 1.expect", "it has stream"),
        ('"viewer receives none of stream"', '"mdb has 1.2.3 at 2"', "step 1.expect", "the address '1.2.3'"),
        ("viewer receives none of stream", "switch is the querier on lan 2", "step 1.expect", "0 to 1"),
        ("[[step]]", "[[stp]]", "stp of lan.toml", "Did you mean step?"),
        ('title = "A title"', 'title = "A', "read", "no TOML"),
        ("hosts = 3", "hosts = 1" + 5000 * "0", "read", "no TOML"),
        ("hosts = 3", "hosts = " + 5000 * "[", "read", "nested too deeply"),
        ('to = "239.1.1.1"', 'to = "fe80::1%x\\u001b"', "sender 1.to", "names an interface"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place_and_what_would_be_right(tmp_path, old, new, place, reason):
    assert old in RIGHT
    with pytest.raises(UsageError) as refused:
        read(tmp_path, RIGHT.replace(old, new, 1))
    assert place in str(refused.value)
    assert "lan.toml" in str(refused.value)
    assert reason in str(refused.value)


def test_a_file_without_a_step_that_cannot_be_read_or_is_enormous_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"A step begins with \[\[step\]\]"):
        read(tmp_path, RIGHT.partition("[[step]]")[0])
    with pytest.raises(UsageError, match="Is a directory"):
        read_scenario(tmp_path)
    with pytest.raises(UsageError, match="larger than"):
        read(tmp_path, RIGHT + "#" * (1 << 20))


@pytest.mark.parametrize("grammar", [ORDERS, EXPECTATIONS], ids=["do", "expect"])
@pytest.mark.parametrize("is_long", [True, False])
def test_every_form_of_a_sentence_can_be_written(tmp_path, grammar, is_long):
    key = "do" if grammar is ORDERS else "expect"
    other = "expect" if grammar is ORDERS else "do"
    for pattern in grammar.patterns:
        sentence = pattern.replace("[", "").replace("]", "") if is_long else _shortest(pattern)
        for word, value in SENTENCES.items():
            sentence = " ".join(value if one == word else one for one in sentence.split())
        text = RIGHT.partition("do =")[0] + f'{key} = ["{sentence}"]\n{other} = []\n'
        [step] = read(tmp_path, text).steps
        assert len(step.actions if grammar is ORDERS else step.expectations) == 1, sentence


def _shortest(pattern: str) -> str:
    while "[" in pattern:
        head, _, rest = pattern.partition("[")
        pattern = head + rest.partition("]")[2]
    return pattern.strip()


def test_a_sentence_means_what_it_says(tmp_path):
    text = RIGHT.replace(
        '["join viewer"]', '["cut 3", "lose 5 % to 2", "query 2 every 0.5 on lan 1", "wait 2"]'
    )
    [step] = read(tmp_path, text).steps
    assert step.actions == (
        actions.Cut(3, 1),  # the only LAN it is on
        actions.Lose(2, 5, 0),
        actions.Ask(2, 3, 0.5, 0.25, 1),
        actions.Pause(2),
    )
