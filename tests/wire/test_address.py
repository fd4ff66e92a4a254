from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mcast_tui.errors import EndpointError
from mcast_tui.wire.address import (
    DEFAULT_PORT,
    LIMITED_BROADCAST,
    MAX_RUN,
    Endpoint,
    Kind,
    address_and_port,
    classify,
    parse_endpoint,
    parse_group,
    parse_network,
    scope_of,
)


def endpoint(address, port=DEFAULT_PORT, interface=None, source=None, count=1):
    return Endpoint(ip_address(address), port, interface, ip_address(source) if source else None, count)


def raw(address, protocol=253, interface=None, source=None, count=1):
    return replace(endpoint(address, 0, interface, source, count), protocol=protocol)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("224.1.0.1", endpoint("224.1.0.1")),
        ("224.1.0.1:5000", endpoint("224.1.0.1", 5000)),
        ("224.1.0.1%eth0", endpoint("224.1.0.1", interface="eth0")),
        ("224.1.0.1%2:1", endpoint("224.1.0.1", 1, "2")),
        ("224.1.0.1%192.168.10.2:65535", endpoint("224.1.0.1", 65535, "192.168.10.2")),
        ("224.1.0.1%br-lan.100+19", endpoint("224.1.0.1", interface="br-lan.100", count=20)),
        ("224.1.0.1:5000+0", endpoint("224.1.0.1", 5000)),
        ("10.0.0.1,232.1.1.1:5000", endpoint("232.1.1.1", 5000, source="10.0.0.1")),
        ("[ff15::42%eth0]:6666", endpoint("ff15::42", 6666, "eth0")),
        ("[ff15::42]", endpoint("ff15::42")),
        ("[FF15:0::42]:7+2", endpoint("ff15::42", 7, count=3)),
        ("ff15::42", endpoint("ff15::42")),
        ("ff15::42%eth0", endpoint("ff15::42", interface="eth0")),
        ("ff15::42%fe80::1", endpoint("ff15::42", interface="fe80::1")),
        ("[ff15::42%fe80::1]:9", endpoint("ff15::42", 9, "fe80::1")),
        ("2001:db8::1,[ff35::1%eth0]:5000", endpoint("ff35::1", 5000, "eth0", "2001:db8::1")),
        ("[2001:db8::1],ff35::1", endpoint("ff35::1", source="2001:db8::1")),
        ("broadcast", endpoint("255.255.255.255")),
        ("Broadcast%eth0:7", endpoint("255.255.255.255", 7, "eth0")),
        ("255.255.255.255:7", endpoint("255.255.255.255", 7)),
        ("192.168.10.255:6666", endpoint("192.168.10.255")),
        ("udp://239.1.1.1:1234", endpoint("239.1.1.1", 1234)),
        ("udp://@239.1.1.1:1234", endpoint("239.1.1.1", 1234)),
        ("rtp://10.0.0.1@232.1.1.1:5004", endpoint("232.1.1.1", 5004, source="10.0.0.1")),
        ("UDP://[fd00::1]@[ff35::1%eth0]:5004", endpoint("ff35::1", 5004, "eth0", "fd00::1")),
    ],
)
def test_every_notation_is_read_and_its_canonical_form_means_the_same(text, meant):
    assert parse_endpoint(text) == meant
    assert parse_endpoint(str(meant)) == meant


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ff15:0:0:0:0:0:0:42%eth0", "[ff15::42%eth0]:6666"),
        ("255.255.255.255%eth0", "broadcast%eth0:6666"),
        ("udp://10.0.0.1@232.1.1.1", "10.0.0.1,232.1.1.1:6666"),
        ("224.1.0.1+19", "224.1.0.1:6666+19"),
    ],
)
def test_an_endpoint_prints_in_one_form(text, canonical):
    assert str(parse_endpoint(text)) == canonical


def test_the_default_port_can_be_another():
    assert parse_endpoint("224.0.0.251", 5353).port == 5353


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 0, "empty"),
        (" 224.1.0.1", 0, "a space"),
        ("224.1.0.1 ", 9, "a space"),
        ("224.1.0.1\n", 9, "U+000A"),
        ("224.1\0.0.1", 5, "NUL"),
        ("٢٢٤.1.0.1", 0, "U+0662"),
        ("224.1.0.1:\uff16\uff16", 10, "U+FF16"),
        ("x" * 300, 256, "longer"),
        (":6666", 0, "address is missing"),
        ("%eth0", 0, "address is missing"),
        ("+5", 0, "address is missing"),
        ("udp://", 6, "address is missing"),
        ("example.org:6666", 0, "not an address"),
        ("UDP4-DATAGRAM:224.1.0.1:6666", 0, "not an address"),
        ("tcp://224.1.0.1", 0, "scheme"),
        ("224.1.0", 7, "4 numbers, not 3"),
        ("224.1.0.1.5", 10, "4 numbers, not 5"),
        ("224.1..1", 6, "octet is missing"),
        ("224.1.256.1", 6, "from 0 to 255"),
        ("224.01.0.1", 4, "leading zero"),
        ("224.1.0.1x", 9, "'x'"),
        ("224.1.0.1/24", 9, "'/'"),
        ("10.0.0.1@224.1.0.1", 8, "'@'"),
        ("0.0.0.0", 0, "no destination"),
        ("[::]:6666", 1, "no destination"),
        ("::ffff:224.1.0.1", 0, "IPv4"),
        ("ff15::g", 6, "'g'"),
        ("ff15::1::2", 7, "only once"),
        ("ff15:12345::1", 9, "4 digits"),
        ("ff15:1:2:3:4:5:6:7:8", 19, "8 groups"),
        ("ff15:1:2", 0, "whole"),
        ("[ff15::42:6666", 0, "never closed"),
        ("[ff15::42]6666", 10, "'6'"),
        ("[ff15::42]%eth0:6666", 10, "'%'"),
        ("[224.1.0.1]:6666", 1, "brackets"),
        ("ff15::42%eth0:6666", 13, "brackets"),
        ("224.1.0.1:", 10, "port is missing"),
        ("224.1.0.1:0", 10, "from 1 to 65535"),
        ("224.1.0.1:65536", 10, "from 1 to 65535"),
        ("224.1.0.1:06666", 10, "leading zero"),
        ("224.1.0.1:-1", 10, "'-'"),
        ("224.1.0.1:66x6", 12, "'x'"),
        ("224.1.0.1:6666%eth0", 14, "before the port"),
        ("224.1.0.1%", 10, "interface is missing"),
        ("224.1.0.1%:6666", 10, "interface is missing"),
        ("224.1.0.1%a/b", 11, "'/'"),
        ("224.1.0.1%eth0@if2", 14, "'@'"),
        ("224.1.0.1%" + "a" * 16, 25, "15 characters"),
        ("224.1.0.1+", 10, "+N is missing"),
        ("224.1.0.1+x", 10, "'x'"),
        ("224.1.0.1+10000", 10, "from 0 to 9999"),
        ("224.1.0.1+5:6666", 11, "before +N"),
        ("239.255.255.250+6", 16, "leaves"),
        ("broadcast+2", 9, "goes with a group"),
        ("10.0.0.1+2", 8, "goes with a group"),
        (",224.1.0.1", 0, "address is missing"),
        ("10.0.0.1,", 9, "address is missing"),
        ("10.0.0.1,10.0.0.2,232.1.1.1", 17, "','"),
        ("224.1.0.1,224.1.0.2", 0, "one host"),
        ("255.255.255.255,232.1.1.1", 0, "one host"),
        ("0.0.0.0,232.1.1.1", 0, "one host"),
        ("fd00::1,232.1.1.1", 0, "family"),
        ("10.0.0.1,ff35::1", 0, "IPv4"),
        ("10.0.0.1,broadcast", 0, "goes with a group"),
        ("10.0.0.1,10.0.0.2", 0, "goes with a group"),
        ("10.0.0.1:7,232.1.1.1", 8, "no port"),
        ("[fd00::1]:7,ff35::1", 9, "no port"),
        ("fe80::1%eth0,ff35::1", 7, "no interface"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_column_with_the_reason(text, column, reason):
    with pytest.raises(EndpointError) as refusal:
        parse_endpoint(text)
    assert refusal.value.column == column
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("[fd00:10::2,ff15::42%eth0]:7", "fd00:10::2,[ff15::42%eth0]:7"),
        ("udp://[fd00:10::2@ff15::42%eth0]:7+2", "udp://fd00:10::2@[ff15::42%eth0]:7+2"),
        ("[10.0.0.1,232.1.1.1%eth0]:7", "10.0.0.1,232.1.1.1%eth0:7"),
        ("[fd00:10::2,[ff15::42%eth0]:7", "fd00:10::2,[ff15::42%eth0]:7"),
        ("[" * 50 + "fd00:10::2,[ff15::42%eth0]:7", "fd00:10::2,[ff15::42%eth0]:7"),
        ("[fd00:10::2,ff15::42%eth0:7", "fd00::2,[ff15::42%eth0]:6666"),
        ("[fd00:10::2,nonsense]:7", "fd00::2,[ff15::42%eth0]:6666"),
        ("ff15::42%eth0]:7", "[ff15::42%eth0]:6666"),
    ],
)
def test_brackets_in_the_wrong_place_are_answered_with_what_can_be_read(text, right):
    with pytest.raises(EndpointError) as refusal:
        parse_endpoint(text)
    assert f" {right}." in refusal.value.remedy
    parse_endpoint(right)


def test_a_pasted_megabyte_makes_no_megabyte_of_error():
    with pytest.raises(EndpointError) as refusal:
        parse_endpoint("224.1.0.1" * 200_000)
    assert len(str(refusal.value)) < 1000


def test_a_run_ends_with_the_last_group_and_not_after():
    assert parse_endpoint("239.255.255.250+5").count == 6
    assert parse_endpoint(f"224.1.0.1+{MAX_RUN - 1}").count == MAX_RUN
    with pytest.raises(EndpointError, match="leaves"):
        parse_endpoint("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]+1")


def test_a_run_is_its_groups_one_by_one():
    run = list(parse_endpoint("10.0.0.1,232.1.1.255%eth0:5000+1").each())
    assert [str(one) for one in run] == ["10.0.0.1,232.1.1.255%eth0:5000", "10.0.0.1,232.1.2.0%eth0:5000"]


def test_an_endpoint_knows_its_family_and_kind():
    group = parse_endpoint("ff15::42")
    assert (group.family, group.is_multicast, group.is_limited_broadcast) == (6, True, False)
    everyone = parse_endpoint("broadcast")
    assert (everyone.family, everyone.is_multicast, everyone.is_limited_broadcast) == (4, False, True)


interfaces = st.one_of(
    st.none(),
    st.from_regex(r"[a-zA-Z0-9._-]{1,15}", fullmatch=True),
    st.ip_addresses(v=4).map(str),
)


@st.composite
def endpoints(draw):
    version = draw(st.sampled_from([4, 6]))
    groups = "224.0.0.0/4" if version == 4 else "ff00::/8"
    address = draw(st.one_of(st.ip_addresses(network=groups), st.ip_addresses(v=version)))
    assume(not address.is_unspecified and getattr(address, "ipv4_mapped", None) is None)
    source, count = None, 1
    if address.is_multicast:
        source = draw(st.none() | st.ip_addresses(v=version))
        assume(source is None or (classify(source, ()) is Kind.UNICAST and int(source) > 0))
        assume(getattr(source, "ipv4_mapped", None) is None)
        room = int(ip_network(groups).broadcast_address) - int(address)
        count = draw(st.integers(1, min(MAX_RUN, room + 1)))
    interface = draw(interfaces if version == 4 else interfaces | st.ip_addresses(v=6).map(str))
    assume(interface is None or not interface.startswith("::ffff:"))
    protocol = draw(st.none() | st.integers(0, 255))
    port = draw(st.integers(1, 65535)) if protocol is None else 0
    return Endpoint(address, port, interface, source, count, protocol)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("ip://224.1.0.1:253", raw("224.1.0.1")),
        ("IP://@224.1.0.1%eth0:0", raw("224.1.0.1", 0, "eth0")),
        ("ip://10.0.0.1@232.1.1.1:255+4", raw("232.1.1.1", 255, source="10.0.0.1", count=5)),
        ("ip://[ff15::42%eth0]:58", raw("ff15::42", 58, "eth0")),
        ("ip://fd00::1@[ff35::1]:253", raw("ff35::1", source="fd00::1")),
        ("ip://broadcast%eth0:253", raw("255.255.255.255", interface="eth0")),
        ("ip://192.168.10.2:6", raw("192.168.10.2", 6)),
    ],
)
def test_raw_ip_has_a_protocol_where_others_have_a_port(text, meant):
    assert parse_endpoint(text) == meant
    assert parse_endpoint(str(meant)) == meant
    assert [each.protocol for each in meant.each()] == [meant.protocol] * meant.count


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("ip://224.1.0.1", 5, "needs a protocol"),
        ("ip://224.1.0.1:256", 15, "the protocol"),
        ("ip://224.1.0.1:icmp", 15, "the protocol"),
        ("ip://224.1.0.1:", 15, "the protocol"),
        ("ip://ff15::42:253", 5, "needs a protocol"),
        ("ip://10.0.0.1,224.1.0.1:253", 13, ""),
        ("raw://224.1.0.1:253", 0, "not a scheme"),
    ],
)
def test_what_is_no_raw_endpoint_is_refused_where_it_goes_wrong(text, column, words):
    with pytest.raises(EndpointError) as refusal:
        parse_endpoint(text)
    assert words in refusal.value.reason
    assert refusal.value.column == column


@pytest.mark.parametrize(
    ("address", "port", "protocol", "text"),
    [
        ("192.168.10.3", 6666, None, "192.168.10.3:6666"),
        ("fe80::3", 6666, None, "[fe80::3]:6666"),
        ("fe80::3", None, None, "fe80::3"),
        ("192.168.10.3", None, 253, "ip://192.168.10.3:253"),
        ("fe80::3", 0, 253, "ip://[fe80::3]:253"),
        ("?", None, 253, "ip://?:253"),
    ],
)
def test_an_address_is_written_with_the_port_or_protocol_it_has(address, port, protocol, text):
    assert address_and_port(address, port, protocol) == text


@pytest.mark.parametrize(("text", "names_port"), [("224.1.0.1", False), ("224.1.0.1:6666", True)])
def test_an_endpoint_knows_whether_its_port_was_written_and_is_the_same_either_way(text, names_port):
    assert parse_endpoint(text).names_port is names_port
    assert parse_endpoint(text) == endpoint("224.1.0.1")


@given(endpoints())
def test_every_endpoint_is_read_back_from_what_it_prints(one):
    assert parse_endpoint(str(one)) == one


@given(st.one_of(st.text(), st.text("0123456789abcdef:.,%+[]@/ broadcastudp", max_size=60)))
def test_any_text_is_an_endpoint_or_refused_with_a_column_inside_it(text):
    for parse in (parse_endpoint, parse_group, parse_network):
        column = 0
        try:
            parse(text)
        except EndpointError as refusal:
            column = refusal.column
        assert 0 <= column <= len(text)


@given(endpoints(), st.data())
def test_one_wrong_character_is_an_endpoint_or_refused(one, data):
    text = str(one)
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.characters()) + text[at + data.draw(st.integers(0, 1)) :]
    try:
        read = parse_endpoint(damaged)
    except EndpointError:
        return
    assert parse_endpoint(str(read)) == read


@pytest.mark.parametrize("text", ["10.0.0.1:6666", "192.168.10.255", "[fd00::1]:6666"])
def test_a_unicast_address_is_refused_where_a_group_is_needed(text):
    with pytest.raises(EndpointError, match="not a group") as refusal:
        parse_group(text)
    assert "224.1.0.1" in str(refusal.value.remedy)


def test_a_directed_broadcast_of_our_own_network_can_be_joined():
    ours = [IPv4Interface("192.168.10.2/24")]
    assert parse_group("192.168.10.255", networks=ours) == endpoint("192.168.10.255")
    with pytest.raises(EndpointError, match="network address"):
        parse_group("192.168.10.0", networks=ours)


def test_broadcast_and_groups_can_be_joined():
    assert parse_group("broadcast:7").is_limited_broadcast
    assert parse_group("ff15::42").is_multicast


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.168.10.0/24", "192.168.10.0/24"),
        ("10.0.0.1", "10.0.0.1/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fe80::/64", "fe80::/64"),
        ("[fe80::]/64", "fe80::/64"),
        ("[fd00::1]", "fd00::1/128"),
    ],
)
def test_networks_are_read_in_our_spelling_and_in_socats(text, network):
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("192.168.10.5/24", 0, "Write 192.168.10.0/24"),
        ("10.0.0.0/33", 9, "from 0 to 32"),
        ("10.0.0.0/", 9, "missing"),
        ("10.0.0.0/255.0.0.0", 12, "'.'"),
        ("[fe80::/64", 0, "never closed"),
        ("[fe80::]:1/64", 8, "follow"),
        ("eth0", 0, "not an address"),
    ],
)
def test_what_is_no_network_is_refused_at_its_column(text, column, reason):
    with pytest.raises(EndpointError) as refusal:
        parse_network(text)
    assert refusal.value.column == column
    assert reason in str(refusal.value)


LAN = [IPv4Interface("192.168.10.2/24"), IPv4Interface("10.1.2.3/31"), IPv4Interface("127.0.0.1/8")]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("224.1.0.1", Kind.MULTICAST),
        ("ff02::1", Kind.MULTICAST),
        ("255.255.255.255", Kind.LIMITED_BROADCAST),
        ("192.168.10.255", Kind.DIRECTED_BROADCAST),
        ("127.255.255.255", Kind.DIRECTED_BROADCAST),
        ("192.168.10.0", Kind.NETWORK_ADDRESS),
        ("192.168.10.9", Kind.UNICAST),
        ("192.168.11.255", Kind.UNICAST),
        ("10.1.2.3", Kind.UNICAST),
        ("10.1.2.2", Kind.UNICAST),
        ("fe80::1", Kind.UNICAST),
    ],
)
def test_kinds_of_destination_are_told_apart(address, kind):
    assert classify(ip_address(address), LAN) is kind


@pytest.mark.parametrize(
    ("address", "name", "reference"),
    [
        ("224.0.0.251", "link-local", "RFC 5771"),
        ("224.0.1.1", "internetwork control", "RFC 5771"),
        ("224.0.2.1", "ad-hoc I", "RFC 5771"),
        ("224.1.0.1", "reserved", "RFC 5771"),
        ("224.2.127.254", "SDP/SAP", "RFC 5771"),
        ("224.4.0.1", "ad-hoc II", "RFC 5771"),
        ("225.0.0.1", "reserved", "RFC 5771"),
        ("232.43.211.234", "SSM", "RFC 4607"),
        ("233.1.2.3", "GLOP", "RFC 3180"),
        ("233.251.255.255", "GLOP", "RFC 3180"),
        ("233.252.0.1", "MCAST-TEST-NET", "RFC 6676"),
        ("233.252.1.1", "ad-hoc III", "RFC 5771"),
        ("234.1.2.3", "unicast-prefix-based", "RFC 6034"),
        ("239.1.1.1", "admin-scoped", "RFC 2365"),
        ("239.195.255.255", "organization-local", "RFC 2365"),
        ("239.255.255.250", "site-local", "RFC 2365"),
        ("255.255.255.255", "limited broadcast", "RFC 919"),
        ("127.0.0.1", "loopback", "RFC 1122"),
        ("8.8.8.8", "unicast", "RFC 791"),
        ("ff01::1", "interface-local", "RFC 7346"),
        ("ff02::fb", "link-local", "RFC 7346"),
        ("ff13::1", "realm-local", "RFC 7346"),
        ("ff14::1", "admin-local", "RFC 7346"),
        ("ff15::42", "site-local", "RFC 7346"),
        ("ff18::1", "organization-local", "RFC 7346"),
        ("ff0e::1", "global", "RFC 7346"),
        ("ff07::1", "unassigned", "RFC 7346"),
        ("ff35::1", "SSM, site-local", "RFC 4607"),
        ("fe80::1", "link-local unicast", "RFC 4291"),
        ("fd00::1", "unique local unicast", "RFC 4193"),
    ],
)
def test_the_scope_of_an_address_is_named_with_its_rfc(address, name, reference):
    scope = scope_of(ip_address(address))
    assert scope.name == name
    assert reference in scope.reference
    assert scope.note.endswith(".")


def test_the_flags_of_an_ipv6_group_are_told():
    assert "well-known" in scope_of(IPv6Address("ff02::1")).note
    assert "transient" in scope_of(IPv6Address("ff15::1")).note
    assert "RFC 3306" in scope_of(IPv6Address("ff35:30:fd00::1")).note
    assert "RFC 3956" in scope_of(IPv6Address("ff75:130:fd00::1")).note


@given(st.ip_addresses())
def test_every_address_has_a_scope_and_a_kind(address):
    assert scope_of(address).name
    assert (classify(address, LAN) is Kind.MULTICAST) == address.is_multicast


def test_broadcast_is_the_all_ones_address():
    assert IPv4Address("255.255.255.255") == LIMITED_BROADCAST
    assert str(replace(endpoint("224.1.0.1"), address=LIMITED_BROADCAST)) == "broadcast:6666"
