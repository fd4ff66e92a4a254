"""Where an endpoint may stand, a socat address may: it says where, and on what terms."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from mcast_tui.errors import EndpointError
from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.place import Place, parse_destination, parse_places


def test_an_endpoint_is_a_place_without_terms_of_its_own() -> None:
    assert parse_places("224.1.0.1%eth0:7000") == (Place(parse_endpoint("224.1.0.1%eth0:7000")),)
    assert parse_destination("192.168.10.3:7") == Place(parse_endpoint("192.168.10.3:7"))


def test_the_tutorial_s_peer_is_its_group_with_its_range() -> None:
    text = (
        "UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,range=192.168.10.0/24,"
        "ip-add-membership=224.1.0.1:192.168.10.2,ip-multicast-ttl=3,ip-multicast-loop=0"
    )
    [place] = parse_places(text)
    assert place == Place(
        parse_endpoint("224.1.0.1%192.168.10.2:6666"),
        ranges=(ip_network("192.168.10.0/24"),),
        hop_limit=3,
        loop=False,
        local_port=6666,
    )


@pytest.mark.parametrize(
    ("text", "endpoints"),
    [
        ("UDP4-RECVFROM:6666,broadcast", ["broadcast:6666"]),
        ("UDP4-RECV:7,so-bindtodevice=eth0", ["broadcast%eth0:7"]),
        ("UDP4-DATAGRAM:255.255.255.255:6666,bind=:6666,broadcast", ["broadcast:6666"]),
        ("UDP4-DATAGRAM:224.1.0.1:6666", ["224.1.0.1:6666"]),
        (
            "udp4-recv:5000,ip-add-membership=239.0.0.1:eth0,ip-add-membership=239.0.0.2:eth1",
            ["239.0.0.1%eth0:5000", "239.0.0.2%eth1:5000"],
        ),
        (
            "UDP4-RECV:5000,ip-add-source-membership=232.1.1.1:eth0:192.168.10.3",
            ["192.168.10.3,232.1.1.1%eth0:5000"],
        ),
        ("UDP6-RECV:7,ipv6-join-group=[ff02::42]:eth0", ["[ff02::42%eth0]:7"]),
        ("UDP6-DATAGRAM:[ff02::42%eth0]:7,bind=:7", ["[ff02::42%eth0]:7"]),
        ("IP4-RECV:253,ip-add-membership=224.1.0.1:eth0", ["ip://224.1.0.1%eth0:253"]),
    ],
)
def test_a_socat_address_is_each_group_it_would_hear(text: str, endpoints: list[str]) -> None:
    assert [str(place) for place in parse_places(text)] == endpoints


def test_a_destination_is_where_socat_would_send() -> None:
    place = parse_destination("UDP4-DATAGRAM:224.1.0.1:8888,bind=:8889,ip-multicast-if=192.168.10.2,tos=16")
    assert str(place) == "224.1.0.1%192.168.10.2:8888"
    assert (place.local_port, place.traffic_class) == (8889, 16)
    assert str(parse_destination("UDP6-SENDTO:[fe80::1%eth0]:7")) == "[fe80::1%eth0]:7"


def test_who_is_asked_by_sendto_answers_alone() -> None:
    place = parse_destination("UDP4-SENDTO:192.168.10.3:7")
    assert (place.ranges, place.source_port) == ((ip_network("192.168.10.3/32"),), 7)
    assert parse_destination("IP4-SENDTO:192.168.10.3:253").source_port is None
    assert not parse_destination("UDP4-DATAGRAM:192.168.10.3:7").is_filtered


def test_the_interface_of_groups_is_not_that_of_hosts() -> None:
    place = parse_destination("UDP4-DATAGRAM:192.168.10.3:7,ip-multicast-if=192.168.11.2")
    assert (str(place), place.outgoing) == ("192.168.10.3:7", None)
    place = parse_destination("UDP6-DATAGRAM:[fd00::3]:7,setsockopt-int=41:17:4,if=eth0")
    assert (place.endpoint.interface, place.outgoing) == ("eth0", "eth0")


@pytest.mark.parametrize(
    ("text", "destination"),
    [
        ("UDP4-DATAGRAM:224.1.0.1:6666,ip-add-membership=224.1.0.1:eth0", None),
        ("UDP4-DATAGRAM:255.255.255.255:6666,bind=:6666,broadcast", None),
        ("UDP4-RECVFROM:6666,ip-add-membership=224.1.0.1:eth0", None),
        ("UDP4-DATAGRAM:224.1.0.1:6666,bind=:7777", "224.1.0.1:6666"),
        ("UDP4-DATAGRAM:224.1.0.1:6666,ip-add-membership=224.9.9.9:eth0", "224.1.0.1:6666"),
    ],
)
def test_a_place_knows_where_its_address_sends_elsewhere(text: str, destination: str | None) -> None:
    [place] = parse_places(text)
    assert (place.destination and str(place.destination)) == destination


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("UDP4-SENDTO:224.1.0.1:6666", "SENDTO"),
        ("UDP4-RECVFROM:6666,fork", "fork"),
        ("UDP4-RECV:6666,bind=192.168.10.2", "192.168.10.2"),
        ("UDP4-RECV:6666,sndbuf=100", "sndbuf"),
        ("UDP6-RECV:6666", "no group"),
        ("STDIO", "no place"),
        ("EXEC:hostname", "no place"),
        ("UDP4-DATAGRM:224.1.0.1:6666", "UDP4-DATAGRAM"),
        ("UDP4-RECV:6666,rnage=10.0.0.0/8", "range"),
    ],
)
def test_what_would_mean_nothing_is_refused_by_name(text: str, word: str) -> None:
    with pytest.raises(EndpointError) as refused:
        parse_places(text)
    assert word in " ".join(refused.value.sentences())


@pytest.mark.parametrize(
    "text",
    [
        "UDP4-RECV:6666",
        "UDP4-RECVFROM:6666",
        "UDP4-DATAGRAM:224.1.0.1:1,bind=10.0.0.1:1",
        "UDP4-DATAGRAM:224.1.0.1:1,ip-add-membership=224.1.0.1:eth0",
    ],
)
def test_what_cannot_be_sent_to_is_no_destination(text: str) -> None:
    with pytest.raises(EndpointError):
        parse_destination(text)
