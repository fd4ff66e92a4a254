"""What a person answers in the classroom, read."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from mcast_tui.errors import EndpointError, UsageError
from mcast_tui.services.lab.classroom.answers import read_member, read_percent, read_sender


@pytest.mark.parametrize(
    ("text", "group", "port", "source", "lan"),
    [
        ("239.1.2.3", "239.1.2.3", 5000, None, 0),
        ("239.1.2.3:6666", "239.1.2.3", 6666, None, 0),
        ("192.168.10.1,232.1.1.1", "232.1.1.1", 5000, "192.168.10.1", 0),
        ("239.1.2.3%eth1", "239.1.2.3", 5000, None, 1),
        ("[ff15::42]:7000", "ff15::42", 7000, None, 0),
        ("broadcast", None, 5000, None, 0),
        ("broadcast:6666", None, 6666, None, 0),
    ],
)
def test_what_is_to_be_joined_is_read(
    text: str, group: str | None, port: int, source: str | None, lan: int
) -> None:
    member = read_member(text, "m", 2, [0, 1])
    assert (member.host, member.name, member.port, member.lan) == (2, "m", port, lan)
    assert member.group == (ip_address(group) if group else None)
    assert member.source == (ip_address(source) if source else None)


@pytest.mark.parametrize(
    ("text", "to", "port", "rate", "ttl"),
    [
        ("239.1.2.3", "239.1.2.3", 5000, 20, 1),
        ("239.1.2.3:6666 100", "239.1.2.3", 6666, 100, 1),
        ("239.1.2.3 0.5/s ttl 8", "239.1.2.3", 5000, 0.5, 8),
        ("239.1.2.3 TTL 8 7", "239.1.2.3", 5000, 7, 8),
        ("broadcast 3", "255.255.255.255", 5000, 3, 1),
        ("192.168.10.3", "192.168.10.3", 5000, 20, 1),
    ],
)
def test_what_is_to_be_sent_is_read(text: str, to: str, port: int, rate: float, ttl: int) -> None:
    sender = read_sender(text, "s", 1, [0])
    assert (sender.to, sender.port, sender.rate, sender.ttl) == (ip_address(to), port, rate, ttl)


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        ("", "it is empty", "Write for example"),
        ("239.1.2", "an IPv4 address has 4 numbers, not 3", ""),
        ("192.168.10.3", "not a group", "224.0.0.0/4"),
        ("239.1.2.3+4", "one group at a time", "239.1.2.3:5000"),
        ("ip://239.1.2.3:253", "not raw IP", ""),
        ("239.1.2.3%eth7", "'eth7'", "It has eth0."),
        ("239.1.2.3%1", "'1'", "It has eth0."),
        ("\x1b[2J", "the character U+001B does not belong there", "Remove it."),
        ("239.1.2.3:99999", "not from 1 to 65535", ""),
    ],
)
def test_a_group_that_cannot_be_joined_is_refused_with_what_would_be_right(
    text: str, reason: str, remedy: str
) -> None:
    with pytest.raises(EndpointError) as refused:
        read_member(text, "m", 2, [0])
    assert reason in refused.value.reason
    assert remedy in (refused.value.remedy or "")
    assert 0 <= refused.value.column <= len(text)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("239.1.2.3 fast", "It is a number from 0.1 to 1000."),
        ("239.1.2.3 0", "It is a number from 0.1 to 1000."),
        ("239.1.2.3 1e9", "It is a number from 0.1 to 1000."),
        ("239.1.2.3 2000", "It is a number from 0.1 to 1000."),
        ("239.1.2.3 ٢", "It is a number from 0.1 to 1000."),
        ("239.1.2.3 ttl", "It is a number from 0.1 to 1000."),
        ("239.1.2.3 ttl 256", "It is a whole number from 1 to 255."),
        ("239.1.2.3 ttl 1.5", "It is a whole number from 1 to 255."),
        ("192.168.10.1,239.1.2.3", "239.1.2.3 20"),
        ("", "Write for example"),
    ],
)
def test_a_sender_that_cannot_be_is_refused_with_what_would_be_right(text: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_sender(text, "s", 1, [0])
    assert remedy in (refused.value.remedy or "")


@pytest.mark.parametrize(("text", "percent"), [("0", 0), ("30", 30), ("100 %", 100), ("5%", 5)])
def test_a_percentage_is_read(text: str, percent: int) -> None:
    assert read_percent(text) == percent


@pytest.mark.parametrize("text", ["", "%", "101", "-1", "1.5", "ten", "1 0"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="whole number from 0 to 100"):
        read_percent(text)
