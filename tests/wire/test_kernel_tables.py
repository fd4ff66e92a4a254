"""The tables of /proc/net, as captured from a Linux 6.18 namespace (little-endian) in proc_net/.

There, on eth0 (index 3): two sockets joined 239.1.1.1, one of them with a full buffer; one joined
(192.168.10.1, 232.1.1.1); one joined 239.5.5.5 and blocks 192.168.10.9; and the same for IPv6.
"""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.kernel_tables import (
    HostFilter,
    HostGroup,
    UdpSocket,
    parse_counters,
    parse_counters6,
    parse_igmp,
    parse_igmp6,
    parse_mcfilter,
    parse_udp,
)


def captured(name: str) -> str:
    return (Path(__file__).parent / "proc_net" / name).read_text()


def test_groups_are_read_with_their_interface_users_and_version():
    table = parse_igmp(captured("igmp"), "little")
    assert table.skipped == 0
    assert len(table.rows) == 6
    assert HostGroup(3, "eth0", IPv4Address("239.1.1.1"), 2, False, False, 3) in table.rows
    assert [row.group for row in table.rows if row.interface == "lo"] == [IPv4Address("224.0.0.1")]


def test_a_big_endian_host_writes_the_same_group_the_other_way_round():
    text = captured("igmp").replace("010101EF", "EF010101")
    assert IPv4Address("239.1.1.1") in {row.group for row in parse_igmp(text, "big").rows}


def test_an_older_version_in_force_and_a_pending_report_are_read():
    text = "2\tlonginterface01:     1      V2\n\t\t\t\t010101EF     1 1:0000012C\t\t1\n"
    assert parse_igmp(text, "little").rows == (
        HostGroup(2, "longinterface01", IPv4Address("239.1.1.1"), 1, True, True, 2),
    )


def test_a_group_is_never_given_to_the_interface_before_an_unreadable_one():
    text = captured("igmp").replace("3\teth0", "x\teth0")
    table = parse_igmp(text, "little")
    assert {row.interface for row in table.rows} == {"lo", "v1"}
    assert table.skipped == 5


def test_ipv6_groups_are_read_with_their_flags():
    table = parse_igmp6(captured("igmp6") + "3 eth0 ff150000000000000000000000000043 2 00000007 9\n")
    assert table.skipped == 0
    assert HostGroup(3, "eth0", IPv6Address("ff15::42"), 1, False, False, None) in table.rows
    assert table.rows[-1] == HostGroup(3, "eth0", IPv6Address("ff15::43"), 2, True, True, None)


def test_wanted_and_blocked_sources_are_told_apart():
    eth0 = (3, "eth0")
    assert parse_mcfilter(captured("mcfilter")).rows == (
        HostFilter(*eth0, IPv4Address("239.5.5.5"), IPv4Address("192.168.10.9"), 0, 1),
        HostFilter(*eth0, IPv4Address("232.1.1.1"), IPv4Address("192.168.10.1"), 1, 0),
    )
    assert parse_mcfilter(captured("mcfilter6")).rows == (
        HostFilter(*eth0, IPv6Address("ff35::1"), IPv6Address("fd00::9"), 1, 0),
    )


def test_sockets_are_read_with_what_they_dropped():
    table = parse_udp(captured("udp"), "little")
    assert table.skipped == 0
    assert [row.local_port for row in table.rows] == [5000, 6666, 6667, 57581]
    assert table.rows[2] == UdpSocket(IPv4Address("239.1.1.1"), 6667, 4608, 0, 17911, 48)


def test_ipv6_sockets_are_read_word_by_word():
    text = captured("udp6").replace(
        "00000000000000000000000000000000:1A0A", "000080FE000000000000000001000000:1A0A"
    )
    assert parse_udp(text, "little").rows[0].local_address == IPv6Address("fe80::1")


def test_counters_have_the_names_to_show():
    counters = parse_counters(captured("snmp") + captured("netstat"))
    assert counters.skipped == 0
    assert counters.values["Udp.RcvbufErrors"] == 48
    assert counters.values["IpExt.InMcastPkts"] == 50
    assert counters.values["TcpExt.IPReversePathFilter"] == 0
    assert counters.values["Tcp.MaxConn"] == -1
    assert parse_counters6(captured("snmp6")).values["Icmp6InMLDv2Reports"] >= 0


def test_a_counter_the_kernel_does_not_tell_is_absent_and_not_zero():
    assert "Udp.Imaginary" not in parse_counters(captured("snmp")).values


def test_counter_lines_that_do_not_match_are_skipped_and_the_others_kept():
    torn = "Ip: A B\nUdp: X Y\nUdp: 1 2\nTcp: P Q\nTcp: 1\nIcmp: R\nIcmp: zero\nEnd: S\n"
    counters = parse_counters(torn)
    assert counters.values == {"Udp.X": 1, "Udp.Y": 2}
    assert counters.skipped == 6


@pytest.mark.parametrize(
    ("name", "parse"),
    [
        ("igmp", lambda text: parse_igmp(text, "little")),
        ("igmp6", parse_igmp6),
        ("mcfilter", parse_mcfilter),
        ("mcfilter6", parse_mcfilter),
        ("udp", lambda text: parse_udp(text, "little")),
        ("udp6", lambda text: parse_udp(text, "little")),
    ],
)
class TestEveryTable:
    def test_a_line_that_cannot_be_read_is_counted_and_hides_no_other(self, name, parse):
        whole = parse(captured(name))
        damaged = parse(captured(name) + "\x00\xff what is this\n\t\tnonsense\n")
        assert damaged.rows == whole.rows
        assert damaged.skipped == 2

    def test_an_empty_file_has_no_rows(self, name, parse):
        assert parse("").rows == ()
        assert parse("").skipped == 0

    @given(cut=st.integers(0, 2000))
    def test_a_read_torn_anywhere_loses_at_most_the_last_line(self, name, parse, cut):
        text = captured(name)[:cut]
        whole = parse(captured(name))
        table = parse(text)
        complete = len([row for row in table.rows if row in whole.rows])
        assert table.rows[:-1] == whole.rows[: max(0, len(table.rows) - 1)]
        assert complete >= len(table.rows) - 1
        assert table.skipped <= 1

    @given(text=st.text())
    def test_any_text_is_read_or_skipped(self, name, parse, text):
        table = parse(text)
        lines = [line for line in text.split("\n") if line.strip()]
        assert len(table.rows) + table.skipped <= len(lines)


@given(st.text())
def test_any_text_is_counters_or_skipped(text):
    parse_counters(text)
    parse_counters6(text)


@pytest.mark.parametrize("name", ["a\x1cb", "a\x1eb", "a\x85b", "a\u2028b", "a\u3000b", "a\udc85b"])
def test_an_interface_may_have_in_its_name_what_only_unicode_takes_for_a_blank(name: str) -> None:
    device = f"Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n3\t{name:<10}:     1      V3\n"
    groups = parse_igmp(device + "\t\t\t\t010000E0     1 0:00000000\t\t0\n", "little")
    groups6 = parse_igmp6(f"3    {name:<15} ff020000000000000000000000000001     1 0000000C 0\n")
    filters = parse_mcfilter(f"Idx Device\n  3 {name:>6} 0xefc80001 0xc0a80a02      1      0\n")
    assert [row.interface for row in (*groups.rows, *groups6.rows, *filters.rows)] == [name] * 3
