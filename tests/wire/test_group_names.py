"""The Ethernet address of a group, the groups that share it, and the names of those people meet."""

from ipaddress import IPv4Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from mcast_tui.wire.group_mac import aliases, flooded_alias, group_mac
from mcast_tui.wire.well_known import group_name

GROUPS4 = st.integers(0, 2**28 - 1).map(lambda low: IPv4Address(0xE0000000 + low))


def test_a_group_has_the_address_of_the_standards():
    """RFC 1112 section 6.4 and RFC 2464 section 7; the first two as kernel and tcpdump show them."""
    macs = {
        "224.0.0.22": "01:00:5e:00:00:16",
        "239.255.255.250": "01:00:5e:7f:ff:fa",
        "224.129.2.3": "01:00:5e:01:02:03",
        "ff02::1:ff12:3456": "33:33:ff:12:34:56",
    }
    assert {group: group_mac(ip_address(group)) for group in macs} == macs


@given(GROUPS4)
def test_the_aliases_of_a_group_are_all_groups_of_its_address(group):
    shared = aliases(group)
    assert group in shared
    assert len(set(shared)) == 32
    assert all(each.is_multicast for each in shared)
    assert {group_mac(each) for each in shared} == {group_mac(group)}
    flooded = [each for each in shared if str(each).startswith("224.0.0.")]
    assert flooded_alias(group) == (flooded[0] if flooded else None)


def test_an_ipv6_group_shares_its_address_with_more_than_can_be_listed():
    assert aliases(ip_address("ff15::1")) == ()
    assert flooded_alias(ip_address("ff15::1")) is None


def test_well_known_groups_have_their_names_in_every_scope_they_have():
    names = {
        "224.0.0.251": "mDNS",
        "ff02::fb": "mDNS",
        "ff05::fb": "mDNS",
        "224.0.1.129": "PTP, default domain",
        "ff0e::181": "PTP, default domain",
        "239.255.255.250": "SSDP (UPnP), WS-Discovery",
        "ff02::c": "SSDP (UPnP), WS-Discovery",
        "239.255.1.2": "sACN universe 258 (E1.31)",
        "239.255.0.1": "DDS (RTPS) discovery, or sACN universe 1",
        "ff02::1:ff12:3456": "solicited-node of ...12:3456 (neighbor discovery)",
        "ff12::fb": None,
        "ff15::42": None,
        "239.1.2.3": None,
        "239.255.255.249": None,
    }
    assert {group: group_name(ip_address(group)) for group in names} == names
