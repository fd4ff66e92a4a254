"""socat's addresses read into values: every type and option in every spelling, and all wrong with them."""

import contextlib
import re
import time
from dataclasses import fields, replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.errors import EndpointError, UsageError
from mcast_tui.wire.address import Endpoint, parse_endpoint
from mcast_tui.wire.socat.address import CommandAddress, DatagramAddress, Manner, Report, StreamAddress
from mcast_tui.wire.socat.kinds import TYPES
from mcast_tui.wire.socat.line import format_socat
from mcast_tui.wire.socat.options import OPTIONS, REFUSED
from mcast_tui.wire.socat.parse import is_socat, parse_socat
from mcast_tui.wire.socat.syntax import MAX_TEXT
from tests.wire.cases import each_of
from tests.wire.socat_addresses import addresses

GROUP = "224.1.0.1"
RANGE = (ip_network("192.168.10.0/24"),)


def endpoint(address, port=6666, interface=None, source=None, protocol=None):
    source = ip_address(source) if source else None
    return Endpoint(ip_address(address), port, interface, source, protocol=protocol)


def datagram(text, manner, family=4, **said):
    return DatagramAddress(text, manner, family, **said)


def refusal(text):
    with pytest.raises(EndpointError) as caught:
        parse_socat(text)
    return caught.value


# The rows of the tutorial, as they stand there.

MEMBER = endpoint(GROUP, interface="192.168.10.2")
TUTORIAL = {
    "1s": (
        "UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:192.168.10.2,fork",
        {"manner": Manner.RECVFROM, "local_port": 6666, "memberships": (MEMBER,), "fork": True},
    ),
    "1c": (
        "UDP4-DATAGRAM:224.1.0.1:6666,range=192.168.10.0/24",
        {"manner": Manner.DATAGRAM, "remote": endpoint(GROUP), "ranges": RANGE},
    ),
    "2s": (
        "UDP4-RECVFROM:6666,broadcast,fork",
        {"manner": Manner.RECVFROM, "local_port": 6666, "broadcast": True, "fork": True},
    ),
    "2c": (
        "UDP4-DATAGRAM:192.168.10.255:6666,broadcast,range=192.168.10.0/24",
        {
            "manner": Manner.DATAGRAM,
            "remote": endpoint("192.168.10.255"),
            "broadcast": True,
            "ranges": RANGE,
        },
    ),
    "3": (
        "UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,range=192.168.10.0/24,ip-add-membership=224.1.0.1:192.168.10.2",
        {
            "manner": Manner.DATAGRAM,
            "remote": endpoint(GROUP),
            "local_port": 6666,
            "ranges": RANGE,
            "memberships": (MEMBER,),
        },
    ),
    "4": (
        "UDP4-DATAGRAM:255.255.255.255:6666,bind=:6666,range=192.168.10.0/24,broadcast",
        {
            "manner": Manner.DATAGRAM,
            "remote": endpoint("255.255.255.255"),
            "local_port": 6666,
            "ranges": RANGE,
            "broadcast": True,
        },
    ),
    "5s": (
        "UDP-RECVFROM:8888,reuseaddr,ip-add-membership=224.1.0.1:192.168.10.2,ip-pktinfo,fork",
        {
            "manner": Manner.RECVFROM,
            "local_port": 8888,
            "reuse_address": True,
            "memberships": (replace(MEMBER, port=8888),),
            "reports": frozenset({Report.PACKET_INFO}),
            "fork": True,
        },
    ),
    "5c": ("UDP-DATAGRAM:224.1.0.1:8888", {"manner": Manner.DATAGRAM, "remote": endpoint(GROUP, 8888)}),
}


@pytest.mark.parametrize("row", TUTORIAL)
def test_the_network_side_of_every_row_of_the_tutorial_is_read(row):
    text, said = TUTORIAL[row]
    assert parse_socat(text) == DatagramAddress(text, family=4, **said)


@each_of(
    ("text", "meant"),
    [
        ("STDIO", StreamAddress("STDIO")),
        ("-", StreamAddress("-")),
        ("EXEC:hostname", CommandAddress("EXEC:hostname", ("hostname",), None)),
        ("SYSTEM:export", CommandAddress("SYSTEM:export", None, "export")),
    ],
)
def test_the_other_side_of_every_row_of_the_tutorial_is_read(text, meant):
    assert parse_socat(text) == meant
    assert parse_socat(text.lower()) == replace(meant, text=text.lower())


# Types.


@pytest.mark.parametrize(("transport", "family"), [("UDP", 4), ("UDP", 6), ("IP", 4), ("IP", 6)])
@pytest.mark.parametrize("manner", list(Manner))
def test_each_manner_to_open_a_datagram_socket_is_read(transport, manner, family):
    host = {4: "224.1.0.1", 6: "[ff15::42]"}[family]
    raw = transport == "IP"
    number = 253 if raw else 7
    for kind in (f"{transport}{family}-{manner.value}", f"{transport}-{manner.value}".lower()):
        sends = manner in (Manner.SENDTO, Manner.DATAGRAM)
        text = f"{kind}:{host}:{number}" if sends else f"{kind}:{number},pf=ip{family}"
        read = parse_socat(text)
        assert (read.manner, read.family, read.protocol) == (manner, family, 253 if raw else None)
        group = endpoint(host.strip("[]"), 0 if raw else 7, protocol=253 if raw else None)
        assert read.remote == (group if sends else None)
        assert read.local_port == (7 if not (sends or raw) else None)


@each_of(
    ("short", "full"),
    [
        ("udp4-send", "UDP4-SENDTO"),
        ("UDP-DGRAM", "UDP-DATAGRAM"),
        ("UDP6-dgram", "UDP6-DATAGRAM"),
        ("ip4", "IP4-SENDTO"),
        ("IP-SEND", "IP-SENDTO"),
        ("IP6-DGRAM", "IP6-DATAGRAM"),
    ],
)
def test_a_synonym_means_what_it_stands_for(short, full):
    tail = ":[ff15::42]:7" if "6" in full else ":224.1.0.1:7"
    assert replace(parse_socat(short + tail), text="") == replace(parse_socat(full + tail), text="")


@each_of(
    ("text", "family"),
    [
        ("UDP-RECV:7", 4),
        ("UDP-RECV:7,pf=ip6", 6),
        ("UDP-RECV:7,pf=IPv6", 6),
        ("UDP-RECV:7,protocol-family=inet6", 6),
        ("UDP-RECV:7,pf=10", 6),
        ("UDP-RECV:7,pf=2", 4),
        ("UDP-DATAGRAM:[ff15::42]:7", 6),
        ("UDP-DATAGRAM:224.1.0.1:7", 4),
        ("UDP4-RECV:7,pf=inet", 4),
    ],
)
def test_the_family_is_said_by_the_type_by_pf_or_by_the_destination(text, family):
    assert parse_socat(text).family == family


# Options.

V4, V6 = "UDP4-DATAGRAM:224.1.0.1:7", "UDP6-DATAGRAM:[ff15::42]:7"


@each_of(
    ("text", "said"),
    [
        (f"{V4},bind=:6666", {"local_port": 6666}),
        (f"{V4},bind=10.0.0.1:6666", {"local_address": ip_address("10.0.0.1"), "local_port": 6666}),
        (f"{V4},bind=10.0.0.1", {"local_address": ip_address("10.0.0.1")}),
        (f"{V4},bind=0.0.0.0:6666", {"local_port": 6666}),
        (f"{V6},bind=[::]:6666", {"local_port": 6666}),
        (f"{V6},bind=[fd00::1]", {"local_address": ip_address("fd00::1")}),
        (
            f"{V6},bind=[fe80::1%eth0]:9",
            {"local_address": ip_address("fe80::1"), "local_interface": "eth0", "local_port": 9},
        ),
        ("UDP4-RECV:7,bind=224.1.0.1", {"local_address": ip_address("224.1.0.1")}),
        ("IP4-RECV:253,bind=10.0.0.1", {"local_address": ip_address("10.0.0.1")}),
        (f"{V4},range=10.0.0.0/8", {"ranges": (ip_network("10.0.0.0/8"),)}),
        (f"{V4},range=10.0.0.0:255.0.0.0", {"ranges": (ip_network("10.0.0.0/8"),)}),
        (f"{V4},range=0.0.0.0:0.0.0.0", {"ranges": (ip_network("0.0.0.0/0"),)}),
        (f"{V6},range=[fe80::]/64", {"ranges": (ip_network("fe80::/64"),)}),
        (f"{V4},sourceport=6666", {"source_port": 6666}),
        ("UDP4-RECV:7,sp=6666", {"source_port": 6666}),
        ("UDP4-SENDTO:10.0.0.1:7,sourceport=6666", {"local_port": 6666}),
        (f"{V4},broadcast=0", {"broadcast": False}),
        (f"{V4},so-broadcast=1", {"broadcast": True}),
        (f"{V4},reuseaddr=1", {"reuse_address": True}),
        (f"{V4},reuseport", {"reuse_port": True}),
        (f"{V4},reuseport=0", {"reuse_port": False}),
        (f"{V4},so-bindtodevice=eth0", {"device": "eth0"}),
        (f"{V4},if=br-lan.100", {"device": "br-lan.100"}),
        (f"{V4},rcvbuf=65536", {"receive_buffer": 65536}),
        (f"{V4},rcvbuf=0x10000", {"receive_buffer": 65536}),
        (f"{V4},sndbuf=1", {"send_buffer": 1}),
        (f"{V4},so-timestamp", {"reports": frozenset({Report.TIMESTAMP})}),
        (f"{V4},ip-add-membership={GROUP}:eth0", {"memberships": (endpoint(GROUP, 0, "eth0"),)}),
        (f"{V4},ip-add-membership={GROUP}:2", {"memberships": (endpoint(GROUP, 0, "2"),)}),
        (f"{V4},ip-add-membership={GROUP}:10.0.0.1:eth0", {"memberships": (endpoint(GROUP, 0, "eth0"),)}),
        (f"{V4},ip-add-membership={GROUP}:0.0.0.0:2", {"memberships": (endpoint(GROUP, 0, "2"),)}),
        (f"{V4},ip-add-membership={GROUP}:0.0.0.0", {"memberships": (endpoint(GROUP, 0),)}),
        (f"{V4},ip-add-membership={GROUP}:'a\\,b'", {"memberships": (endpoint(GROUP, 0, "a,b"),)}),
        (
            f"{V4},bind=:9,membership={GROUP}:eth0,add-membership=224.1.0.2:eth1",
            {
                "local_port": 9,
                "memberships": (endpoint(GROUP, 9, "eth0"), endpoint("224.1.0.2", 9, "eth1")),
            },
        ),
        (
            "IP4-RECV:253,ip-add-membership=224.1.0.1:eth0",
            {"memberships": (endpoint(GROUP, 0, "eth0", protocol=253),)},
        ),
        (
            f"{V4},ip-add-source-membership=232.1.1.1:10.0.0.2:10.0.0.1",
            {"memberships": (endpoint("232.1.1.1", 0, "10.0.0.2", "10.0.0.1"),)},
        ),
        (f"{V6},ipv6-join-group=[ff15::42]:eth0", {"memberships": (endpoint("ff15::42", 0, "eth0"),)}),
        (f"{V6},ipv6-join-group=[ff15::42]:2", {"memberships": (endpoint("ff15::42", 0, "2"),)}),
        (f"{V6},ipv6-join-group=[ff15::42]:0", {"memberships": (endpoint("ff15::42", 0),)}),
        (f"{V4},ip-multicast-if=10.0.0.1", {"multicast_interface": "10.0.0.1"}),
        (f"{V6},setsockopt-int=41:17:3", {"multicast_interface": "3"}),
        (f"{V4},ip-multicast-loop=0", {"loop": False}),
        (f"{V4},ip-multicast-loop", {"loop": True}),
        (f"{V6},setsockopt-int=41:19:0", {"loop": False}),
        (f"{V4},ip-multicast-ttl=0", {"multicast_hop_limit": 0}),
        (f"{V6},setsockopt-int=41:18:255", {"multicast_hop_limit": 255}),
        (f"{V4},ttl=64", {"unicast_hop_limit": 64}),
        (f"{V6},ipv6-unicast-hops=64", {"unicast_hop_limit": 64}),
        (f"{V4},tos=0x10", {"traffic_class": 16}),
        (f"{V6},ipv6-tclass=46", {"traffic_class": 46}),
        (f"{V4},ip-pktinfo", {"reports": frozenset({Report.PACKET_INFO})}),
        (f"{V4},ip-pktinfo=0", {"reports": frozenset()}),
        (f"{V4},ip-recvdstaddr", {"reports": frozenset({Report.PACKET_INFO})}),
        (f"{V4},ip-recvttl,ip-recvtos", {"reports": frozenset({Report.HOP_LIMIT, Report.TRAFFIC_CLASS})}),
        (f"{V6},ipv6-recvpktinfo", {"reports": frozenset({Report.PACKET_INFO})}),
        (f"{V6},ipv6-recvhoplimit", {"reports": frozenset({Report.HOP_LIMIT})}),
        (f"{V6},ipv6-recvtclass", {"reports": frozenset({Report.TRAFFIC_CLASS})}),
        (f"{V6},ipv6only=1", {"ipv6_only": True}),
        ("UDP4-RECVFROM:7,fork,max-children=4", {"fork": True, "most_children": 4}),
        ("UDP4-RECVFROM:7,fork=0", {"fork": False}),
        ("UDP6-SENDTO:[fe80::1%eth0]:7", {"remote": endpoint("fe80::1", 7, "eth0")}),
        (f"{V4},IP-Multicast-TTL=4", {"multicast_hop_limit": 4}),
    ],
)
def test_an_option_says_exactly_its_own_fields(text, said):
    read = parse_socat(text)
    plain = parse_socat(text.split(",", maxsplit=1)[0])
    changed = {
        field.name for field in fields(read) if getattr(read, field.name) != getattr(plain, field.name)
    }
    for field, value in said.items():
        assert getattr(read, field) == value
    assert changed <= {"text", *said}


def spellings():
    return [(name, option) for option in OPTIONS for name in (option.name, *option.aliases)]


SAMPLES = {
    "bind": ":9",
    "protocol-family": "ip4",
    "range": "10.0.0.0/8",
    "sourceport": "9",
    "so-bindtodevice": "eth0",
    "so-rcvbuf": "9",
    "so-sndbuf": "9",
    "ip-add-membership": "224.1.0.1:eth0",
    "ip-add-source-membership": "232.1.1.1:eth0:10.0.0.1",
    "ip-multicast-if": "10.0.0.1",
    "ip-multicast-ttl": "9",
    "ip-ttl": "9",
    "ip-tos": "9",
    "ipv6-join-group": "[ff15::42]:eth0",
    "ipv6-unicast-hops": "9",
    "ipv6-tclass": "9",
    "setsockopt-int": "41:18:9",
    "max-children": "9",
}
"""A good value of every option that needs one; the others are switches."""


def host_of(option):
    if not option.manners:
        return "EXEC:hostname"
    if option.manners == (Manner.RECVFROM,):
        return "UDP4-RECVFROM:7"
    return V6 if option.family == 6 else V4


each_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)


@each_option
def test_every_option_is_read_in_every_spelling_and_any_case(option):
    sample = f"={SAMPLES[option.name]}" if option.name in SAMPLES else ""
    read = replace(parse_socat(f"{host_of(option)},{option.name}{sample}"), text="")
    for name in option.aliases:
        assert replace(parse_socat(f"{host_of(option)},{name.upper()}{sample}"), text="") == read


BAD = ("", "nonsense", "-1", "9" * 20, " 1", "1x", "1,5x", "\\n", "\u017f", "\u0661", "1.2.3", "[", "a:b:c")


@each_option
def test_every_option_refuses_a_bad_value_and_points_behind_its_name(option):
    for bad in BAD:
        # Almost anything is a good name for an interface.
        value = f"{bad}/" if option.name == "so-bindtodevice" else bad
        fault = refusal(f"{host_of(option)},{option.name}={value}")
        assert fault.column > len(host_of(option))
        assert isinstance(fault, UsageError)


def test_an_option_that_needs_a_value_is_refused_without_one():
    for option in OPTIONS:
        text = f"{host_of(option)},{option.name}"
        if option.name in SAMPLES:
            assert f"{option.name} needs a value" in str(refusal(text))
            assert refusal(text).column == len(text)


@each_of(
    ("text", "column", "reason"),
    [
        ("UDP4-RECV:7,bind=:8", 18, "bind has no port here"),
        ("IP4-DATAGRAM:224.1.0.1:253,bind=:8", 33, "bind has no port here"),
        (f"{V4},bind=:", 31, "address is missing"),
        (f"{V4},bind=[::]:8", 31, "IPv6 where IPv4"),
        (f"{V6},bind=::1:8", 32, "needs its brackets"),
        (f"{V6},bind=[fe80::1]x:8", 41, "nothing may follow"),
        (f"{V4},bind=10.0.0.1:http", 40, "not a port"),
        (f"{V4},range=10.0.0.1", 40, "prefix length is missing"),
        (f"{V4},range=10.0.0.1/8", 32, "bits set beyond"),
        (f"{V4},range=10.0.0.0/33", 41, "from 0 to 32"),
        (f"{V4},range=10.0.0.0:255.0.255.0", 41, "has holes"),
        (f"{V4},range=10.0.0.1:255.0.0.0", 32, "bits set beyond"),
        (f"{V4},range=[fe80::]/64", 32, "IPv6 where IPv4"),
        (f"{V6},range=fe80::/64", 33, "needs its brackets"),
        (f"{V4},range=example.org/8", 32, "not an address"),
        (f"{V4},ip-add-membership={GROUP}", 53, "interface is missing"),
        (f"{V4},ip-add-membership={GROUP}:", 54, "interface is missing"),
        (f"{V4},ip-add-membership=10.0.0.1:eth0", 44, "not a group"),
        (f"{V4},ip-add-membership=[ff15::42]:eth0", 44, "IPv6 where IPv4"),
        (f"{V4},ip-add-membership={GROUP}:eth0:eth0", 54, "not an address"),
        (f"{V4},ip-add-membership={GROUP}:a/b", 55, "cannot be in an interface"),
        (f"{V4},ip-add-membership={GROUP}:{'x' * 16}", 69, "at most 15"),
        (f"{V4},ip-add-membership={GROUP}:10.0.0.300", 61, "octet 300"),
        (f"{V4},ip-add-source-membership=232.1.1.1:eth0", 51, "2 parts, not 3"),
        (f"{V4},ip-add-source-membership=232.1.1.1:eth0:224.1.1.1", 66, "not the address of one host"),
        (f"{V6},ipv6-join-group=ff15::42:eth0", 43, "[GROUP]:INTERFACE"),
        (f"{V6},ipv6-join-group=[ff15::42]", 43, "[GROUP]:INTERFACE"),
        (f"{V6},ipv6-join-group=[ff15::42%eth0]:eth0", 52, "zone"),
        (f"{V6},ipv6-join-group=[ff02::42%eth0]:eth0", 43, "zone"),
        (f"{V6},ipv6-join-group=[ff15::42]:eth0:2", 59, "only the interface"),
        (f"{V4},ip-multicast-if=eth0", 42, "not an address"),
        (f"{V4},ip-multicast-ttl=256", 43, "from 0 to 255"),
        (f"{V4},ip-multicast-ttl=0x1ff", 43, "from 0 to 255"),
        (f"{V4},ip-multicast-ttl=0xg", 45, "hexadecimal"),
        (f"{V4},ip-multicast-ttl=010", 43, "leading zero"),
        (f"{V4},ip-multicast-loop=2", 44, "0 or 1"),
        (f"{V4},ttl=0", 30, "from 1 to 255"),
        (f"{V4},reuseaddr=0", 26, "cannot be off here"),
        (f"{V6},ipv6only=0", 27, "cannot be off here"),
        ("EXEC:hostname,pipes=0", 14, "cannot be off here"),
        ("EXEC:hostname,setsid=0", 14, "cannot be off here"),
        (f"{V6},setsockopt-int=1:2:3", 42, "do not know the socket option"),
        (f"{V6},setsockopt-int=41:18:", 48, "hop limit is missing"),
        (f"{V6},setsockopt-int=41:19:2", 48, "from 0 to 1"),
        ("UDP4-RECVFROM:7,max-children=0", 29, "from 1 to"),
        ("UDP-RECV:7,pf=unix", 14, "not a family"),
        ("UDP4-RECV:7,pf=ip6", 12, "pf asks for IPv6 and UDP4-RECV for IPv4"),
        ("UDP-DATAGRAM:224.1.0.1:7,pf=ip6", 13, "IPv4 where IPv6"),
        ("UDP-RECV:7,bind=[::]", 16, "IPv6 where IPv4"),
        ("UDP-RECV:7,ipv6only", 11, "about IPv6"),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(text, column, reason):
    fault = refusal(text)
    assert reason in str(fault)
    assert fault.column == column


@each_of(
    ("text", "column", "remedy"),
    [
        ("UDP4-RECV:7,fork", 12, "fork is not an option of UDP4-RECV. It goes with RECVFROM."),
        ("UDP4-DATAGRAM:224.1.0.1:7,max-children=2", 26, "It goes with RECVFROM."),
        ("UDP4-SENDTO:10.0.0.1:7,range=10.0.0.0/8", 23, "It goes with RECV, RECVFROM, DATAGRAM."),
        ("IP4-RECV:253,sourceport=7", 13, "of UDP."),
        ("UDP4-RECV:7,stderr", 12, "It goes with EXEC and SYSTEM."),
        ("EXEC:hostname,fork", 14, "It goes with RECVFROM."),
        ("STDIO,fork", 6, "fork is not an option of STDIO."),
        ("STDIO,stderr", 6, "stderr is not an option of STDIO."),
        ("UDP6-RECV:7,ip-multicast-ttl=4", 12, "Write setsockopt-int=41:18:HOPS."),
        ("UDP6-RECV:7,ip-pktinfo", 12, "Write ipv6-recvpktinfo."),
        ("UDP4-RECV:7,ipv6-join-group=[ff15::42]:eth0", 12, "Write ip-add-membership=GROUP:INTERFACE."),
        ("UDP4-RECV:7,setsockopt-int=41:18:4", 12, "ip-multicast-ttl"),
    ],
)
def test_an_option_that_would_change_nothing_there_is_refused(text, column, remedy):
    fault = refusal(text)
    assert remedy in str(fault)
    assert fault.column == column


@each_of(
    ("text", "column", "nearest"),
    [
        (f"{V4},ip-multicats-ttl=4", 26, "Did you mean ip-multicast-ttl?"),
        (f"{V4},ttl=4,IP-ADD-MEMBERSHP=x", 32, "Did you mean ip-add-membership?"),
        (f"{V4},rang=10.0.0.0/8", 26, "Did you mean range?"),
        ("UDP4-RECVFROM:7,frok", 16, "Did you mean fork?"),
        ("EXEC:hostname,stdeer", 14, "Did you mean stderr?"),
        ("STDIO,raw", 6, "docs/socat.md"),
        (f"{V4},ignoreeof", 26, "'ignoreeof' is not an option we know"),
        (f"{V4},{'x' * 3000}", 26, "docs/socat.md"),
    ],
)
def test_an_unknown_option_is_refused_by_name_with_the_nearest(text, column, nearest):
    fault = refusal(text)
    assert nearest in str(fault)
    assert fault.column == column


def test_an_option_left_out_on_purpose_is_refused_with_what_to_do_instead():
    for name, instead in REFUSED.items():
        for place in (V4, "EXEC:hostname", "STDIO"):
            fault = refusal(f"{place},{name}=1")
            assert f"the option {name} is not done here. {instead}" in str(fault)


@pytest.mark.parametrize(
    "options",
    ["ttl=4,ip-ttl=5", "range=10.0.0.0/8,range=10.0.0.0/8", "bind=:7,bind=:8", "broadcast,broadcast=0"],
)
def test_an_option_given_twice_is_refused_at_the_second(options):
    fault = refusal(f"{V4},{options}")
    assert "says again" in str(fault)
    assert fault.column == len(V4) + 1 + options.index(",") + 1


def test_of_a_sender_bind_and_sourceport_say_the_same():
    assert "says again" in str(refusal("UDP4-SENDTO:10.0.0.1:7,bind=:8,sourceport=9"))


# Parameters, and the hop limit that counts.


@each_of(
    ("text", "column", "reason"),
    [
        ("UDP4-DATAGRAM:224.1.0.1", 23, "Write UDP4-DATAGRAM:ADDRESS:PORT."),
        ("UDP4-DATAGRAM", 13, "0 parameters"),
        ("UDP4-DATAGRAM:224.1.0.1:7:8", 26, "3 parameters"),
        ("UDP6-DATAGRAM:ff15::42:7", 20, "needs its brackets"),
        ("UDP4-RECV:7:8", 12, "2 parameters"),
        ("UDP4-RECV", 9, "Write UDP4-RECV:PORT."),
        ("STDIO:1", 6, "no parameters"),
        ("UDP4-RECV:0", 10, "from 1 to 65535"),
        ("UDP4-RECV:65536", 10, "from 1 to 65535"),
        ("UDP4-RECV:", 10, "port is missing"),
        ("UDP4-RECV:http", 10, "names of services are not looked up"),
        ("UDP4-RECV:7 ", 11, "not a digit"),
        ("UDP4-RECV:\uff16", 10, "not a digit"),
        ("IP4-RECV:udp", 9, "names are not looked up"),
        ("IP4-RECV:0", 9, "from 1 to 255"),
        ("IP4-RECV:256", 9, "from 1 to 255"),
        ("UDP4-DATAGRAM:localhost:7", 14, "Names are not looked up"),
        ("UDP4-DATAGRAM:example.org:7", 14, "Names are not looked up"),
        ("UDP4-DATAGRAM::7", 14, "address is missing"),
        ("UDP4-DATAGRAM:10.1:7", 18, "4 numbers, not 2"),
        ("UDP4-DATAGRAM:0.0.0.0:7", 14, "no destination"),
        ("UDP4-DATAGRAM:[224.1.0.1]:7", 15, "brackets are for IPv6"),
        ("UDP4-DATAGRAM:224.1.0.1%eth0:7", 23, "an IPv4 address has no zone"),
        ("UDP4-DATAGRAM:[ff15::42]:7", 14, "IPv6 where IPv4"),
        ("UDP6-DATAGRAM:[ff15::42%eth0]:7", 23, "so-bindtodevice"),
        ("UDP6-DATAGRAM:[ff02::42%]:7", 24, "interface is missing"),
        ("UDP6-DATAGRAM:[::ffff:1.2.3.4]:7", 15, "not written as IPv6"),
        ("UDP6-DATAGRAM:[ff15::42:7", 14, "never closed"),
        ("UDP4-DATAGRM:224.1.0.1:7", 0, "Did you mean UDP4-DATAGRAM?"),
        ("UPD-RECV:7", 0, "Did you mean UDP-RECV?"),
        ("TCP4:10.0.0.1:80", 0, "TCP4 is not done here"),
        ("UDP4:10.0.0.1:80", 0, "Write UDP4-SENDTO"),
        ("udp4-listen:80", 0, "Write UDP4-RECVFROM and the option fork"),
        ("STDIN", 0, "Write STDIO"),
        ("", 0, "type is missing"),
        (" UDP4-RECV:7", 0, "' UDP4-RECV' is not a type"),
        ("224.1.0.1:6666", 0, "not a type"),
        ("UDP4-RECV:7, fork", 12, "' fork' is not an option"),
    ],
)
def test_an_address_that_is_not_one_is_refused_where_it_is_wrong(text, column, reason):
    fault = refusal(text)
    assert reason in str(fault)
    assert fault.column == column


def test_what_is_sent_has_the_hop_limit_of_its_destination():
    both = "ttl=64,ip-multicast-ttl=4"
    assert parse_socat(f"UDP4-DATAGRAM:224.1.0.1:7,{both}").hop_limit == 4
    assert parse_socat(f"UDP4-DATAGRAM:10.0.0.255:7,{both}").hop_limit == 64
    assert parse_socat(f"UDP4-RECVFROM:7,{both}").hop_limit == 64
    assert parse_socat("UDP4-DATAGRAM:224.1.0.1:7,ttl=64").hop_limit is None


# Commands.


@each_of(
    ("text", "argv"),
    [
        ("EXEC:ls -l /tmp", ("ls", "-l", "/tmp")),
        ("EXEC:ls  -l", ("ls", "-l")),
        ("EXEC:ls ", ("ls", "")),
        ("EXEC:'ls \"a b\" c'", ("ls", "a b", "c")),
        ("EXEC:\"ls 'a b' c\"", ("ls", "a b", "c")),
        ("EXEC:ls (a b) c", ("ls", "(a b)", "c")),
        ("EXEC:ls a\\:b", ("ls", "a:b")),
        ("EXEC:ls a\\\\ b", ("ls", "a b")),
        ("EXEC:'ls \"\" a'", ("ls", "", "a")),
        ("EXEC:ls a,pipes,setsid", ("ls", "a")),
    ],
)
def test_a_command_is_split_as_socat_splits_it(text, argv):
    assert parse_socat(text) == CommandAddress(text, argv, None)


def test_a_shell_line_is_one_text_and_may_hold_anything():
    assert parse_socat("SYSTEM:'read x; echo \"$x: a,b\"'").shell == 'read x; echo "$x: a,b"'
    assert parse_socat("SYSTEM:cat >/dev/null; hostname,stderr").stderr
    assert not parse_socat("SYSTEM:cat,stderr=0").stderr


@each_of(
    ("text", "column", "reason"),
    [
        ("SYSTEM:echo a:b", 13, "socat would not run the rest"),
        ("EXEC:echo a:b", 11, "Write \\: or put"),
        ("EXEC", 4, "Write EXEC:COMMAND."),
        ("EXEC:", 5, "command is missing"),
        ("EXEC: ls", 5, "command is missing"),
        ("EXEC:'\"\" ls'", 6, "command is missing"),
        ("SYSTEM:", 7, "command is missing"),
        ("SYSTEM: ", 7, "command is missing"),
        ("EXEC:ls \\(a", 8, "never closed"),
        ("EXEC:ls,pty", 8, "the option pty is not done here"),
        ("SYSTEM:ls,nofork", 10, "never gets our socket"),
        ("EXEC:ls,stderr=yes", 15, "0 or 1"),
    ],
)
def test_a_command_that_socat_would_not_run_as_it_is_meant_is_refused(text, column, reason):
    fault = refusal(text)
    assert reason in str(fault)
    assert fault.column == column


# Telling a socat address from an endpoint.


def test_every_type_is_known_in_any_case():
    for kind in TYPES:
        for text in (kind, kind.lower(), f"{kind.title()}:x", f"{kind},x"):
            assert is_socat(text)


MISSPELT = (
    "UDP4-DATAGRM:224.1.0.1:6666",
    "UPD4-RECV:6",
    "EXCE:hostname",
    "STDOI",
    "SYSTM:ls",
    "udp4-recvfrm:7",
)
FOREIGN = (
    "TCP4:a:80",
    "UDP:a:80",
    "tcp-listen:80",
    "UNIX-CONNECT:/x",
    "OPENSSL:a:1",
    "socks4a:a:b:1",
    "STDIN",
)


def test_what_was_to_be_a_socat_address_is_known_and_refused_as_one():
    for text in (*MISSPELT, *FOREIGN):
        assert is_socat(text), text
        assert refusal(text).column == 0
    assert is_socat("u'dp4'-recv:7")


ENDPOINTS = (
    "224.1.0.1:6666",
    "224.1.0.1%eth0",
    "[ff15::42%eth0]:6666",
    "ff15::42",
    "fd::1",
    "broadcast:6666",
)
SCHEMES = ("udp://224.1.0.1:6", "rtp://10.0.0.1@232.1.1.1", "ip://224.1.0.1:253", "UDP://nonsense", "ip://x")
NEITHER = (
    "example.org:6666",
    "localhost:6666",
    "eth0:6666",
    "brodcast:66",
    "10.0.0.1,232.1.1.1:5",
    "",
    ":6",
    "'",
)


def test_an_endpoint_good_or_bad_is_not_taken_for_a_socat_address():
    for text in (*ENDPOINTS, *SCHEMES, *NEITHER):
        assert not is_socat(text), text


words = st.sampled_from(
    [
        *TYPES,
        *(name for name, _ in spellings()),
        *SAMPLES.values(),
        "udp",
        "://",
        "broadcast",
        "ff15::42",
        "%eth0",
    ]
)
almost = st.lists(st.one_of(words, st.sampled_from(list(":,=!'\"\\[](){}")), st.text(max_size=3))).map(
    "".join
)


def outcome(text):
    """Return the address and column 0, or what refuses it and where."""
    try:
        return parse_socat(text), 0
    except EndpointError as fault:
        return fault, fault.column


@given(st.one_of(almost, st.text(max_size=60)))
def test_no_text_raises_anything_but_a_refusal_that_points_into_it(text):
    is_socat(text)
    said, column = outcome(text)
    assert 0 <= column <= len(text)
    assert str(said)


@given(st.one_of(almost, st.from_regex(r"[0-9a-f:.%/+@,\[\]]{1,30}", fullmatch=True)))
def test_nothing_that_is_an_endpoint_is_taken_for_a_socat_address(text):
    try:
        parse_endpoint(text)
    except EndpointError:
        return
    assert not is_socat(text)


REPEATED = (",x", ",ttl", "x", ",ip-add-membership=224.1.0.1:eth0", "[", ",reuseport", ":1", ",ip-pktinfo")


def test_the_longest_address_is_read_at_once():
    for part in REPEATED:
        text = (V4 + part * MAX_TEXT)[:MAX_TEXT]
        started = time.process_time()
        with contextlib.suppress(EndpointError):
            parse_socat(text)
        assert time.process_time() - started < 1


# And back again.


@given(addresses())
def test_every_address_is_written_so_that_it_is_read_the_same(address):
    text = format_socat(address)
    assert replace(parse_socat(text), text="") == replace(address, text="")
    assert is_socat(text)
    assert "\n" not in text


@pytest.mark.parametrize("row", TUTORIAL)
def test_a_row_of_the_tutorial_is_written_with_its_own_words(row):
    text = TUTORIAL[row][0]
    written = format_socat(parse_socat(text))
    assert sorted(written.split(",")) == sorted(text.replace("UDP-", "UDP4-").split(","))


def test_what_is_special_to_socat_is_written_with_backslashes():
    system = CommandAddress("", None, "echo \"a: b\", (c) [d] {e} 'f' \\ !! g=h\n")
    assert format_socat(system) == (
        "SYSTEM:echo \\\"a\\: b\\\"\\, \\(c\\) \\[d\\] \\{e\\} \\'f\\' \\\\ \\!\\! g\\=h\\n"
    )
    assert format_socat(CommandAddress("", ("a b", "", "c"), None)) == 'EXEC:\\"a b\\" \\"\\" c'
    assert format_socat(StreamAddress("-")) == "STDIO"


# The documentation.

DOCUMENT = (Path(__file__).parents[2] / "docs" / "socat.md").read_text()


def names_in(heading):
    """Return the names in the first column of the table under a heading, without values."""
    section = DOCUMENT.split(f"## {heading}\n", maxsplit=1)[1].split("\n## ", maxsplit=1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return sorted(name for row in rows for name in re.findall(r"`([A-Za-z0-9-]+)[^`]*`", row))


def test_the_document_lists_exactly_the_options_we_know():
    assert names_in("Options") == sorted(name for name, _ in spellings())


def test_the_document_lists_exactly_the_options_left_out_on_purpose():
    assert names_in("What we do not have") == sorted(REFUSED)


def test_the_document_lists_exactly_the_types_we_know():
    assert names_in("Types of addresses") == sorted(TYPES)
