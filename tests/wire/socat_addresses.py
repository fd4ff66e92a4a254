"""Strategies that generate the values of socat addresses, all that `parse_socat` can read."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import strategies as st

from mcast_tui.wire.address import Endpoint
from mcast_tui.wire.socat.address import CommandAddress, DatagramAddress, Manner, Report, StreamAddress

ports = st.integers(1, 65535)
octets = st.integers(0, 255)
names = st.text("ab,=!'\"\\(){}.- %", min_size=1, max_size=15).filter(
    lambda name: " " not in name and not (set(name) <= set("0123456789."))
)
indexes = st.integers(1, 2**31 - 1).map(str)
hosts4 = st.integers(0x01000000, 0xDFFFFFFF).map(IPv4Address)
groups4 = st.integers(0xE0000000, 0xEFFFFFFF).map(IPv4Address)
groups6 = st.tuples(st.sampled_from(["ff02", "ff05", "ff15", "ff01", "ff3e"]), st.integers(1, 0xFFFF)).map(
    lambda parts: IPv6Address(f"{parts[0]}::{parts[1]:x}")
)
hosts6 = st.integers(1, 2**64 - 1).map(lambda number: IPv6Address((0xFD << 120) + number))
links6 = st.integers(1, 2**64 - 1).map(lambda number: IPv6Address((0xFE80 << 112) + number))


def maybe(strategy):
    return st.one_of(st.none(), strategy)


@st.composite
def memberships(draw, family, interfaces):
    interface = draw(maybe(interfaces))
    if family == 6:
        return Endpoint(draw(groups6), 0, interface)
    return Endpoint(draw(groups4), 0, interface, draw(maybe(hosts4)))


@st.composite
def remotes(draw, family, is_raw):
    if family == 4:
        address, zone = draw(st.one_of(hosts4, groups4)), None
    else:
        address = draw(st.one_of(hosts6, groups6, links6))
        scoped = address.is_link_local or (address.is_multicast and address.packed[1] & 15 in (1, 2))
        zone = draw(maybe(st.one_of(names, indexes))) if scoped else None
    return Endpoint(address, 0 if is_raw else draw(ports), zone)


@st.composite
def datagram_addresses(draw):
    family = draw(st.sampled_from([4, 6]))
    manner = draw(st.sampled_from(list(Manner)))
    protocol = draw(maybe(st.integers(1, 255)))
    sends = manner in (Manner.SENDTO, Manner.DATAGRAM)
    remote = replace(draw(remotes(family, protocol is not None)), protocol=protocol) if sends else None
    local_port = None
    if protocol is None:
        local_port = draw(maybe(ports)) if sends else draw(ports)
    local_address, local_interface = draw(maybe(hosts4 if family == 4 else hosts6)), None
    if family == 6 and draw(st.booleans()):
        local_address, local_interface = draw(links6), draw(maybe(names))
    interfaces = st.one_of(names, indexes, hosts4.map(str)) if family == 4 else st.one_of(names, indexes)
    joined = draw(st.lists(memberships(family, interfaces), max_size=3))
    hosts = hosts4 if family == 4 else hosts6
    serves = manner is Manner.RECVFROM
    return DatagramAddress(
        "",
        manner,
        family,
        protocol,
        remote,
        local_port,
        local_address,
        local_interface,
        tuple(replace(group, port=local_port or 0, protocol=protocol) for group in joined),
        draw(ranges(hosts)) if manner is not Manner.SENDTO else (),
        draw(maybe(ports)) if protocol is None and manner is not Manner.SENDTO else None,
        draw(st.booleans()),
        fork=serves and draw(st.booleans()),
        most_children=draw(maybe(st.integers(1, 10_000))) if serves else None,
        unicast_hop_limit=draw(maybe(st.integers(1, 255))),
        multicast_hop_limit=draw(maybe(octets)),
        loop=draw(maybe(st.booleans())),
        multicast_interface=draw(maybe(hosts4.map(str) if family == 4 else indexes)),
        device=draw(maybe(names)),
        traffic_class=draw(maybe(octets)),
        reports=draw(st.frozensets(st.sampled_from(list(Report)))),
        receive_buffer=draw(maybe(st.integers(1, 2**31 - 1))),
        send_buffer=draw(maybe(st.integers(1, 2**31 - 1))),
        reuse_address=draw(st.booleans()),
        reuse_port=draw(st.booleans()),
        ipv6_only=family == 6 and protocol is None and draw(st.booleans()),
    )


@st.composite
def ranges(draw, hosts):
    if draw(st.booleans()):
        return ()
    host = draw(hosts)
    return (ip_network((host, draw(st.integers(0, host.max_prefixlen))), strict=False),)


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def command_addresses(draw):
    stderr = draw(st.booleans())
    if draw(st.booleans()):
        return CommandAddress("", None, draw(texts.filter(str.strip)), stderr)
    argv = draw(st.lists(st.one_of(st.just(""), texts), max_size=3))
    return CommandAddress("", (draw(texts), *argv), None, stderr)


def addresses():
    return st.one_of(datagram_addresses(), command_addresses(), st.just(StreamAddress("")))
