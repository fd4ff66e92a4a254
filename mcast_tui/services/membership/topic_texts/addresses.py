"""What an address tells: how far, to whom, by which frame."""

from __future__ import annotations

from mcast_tui.services.membership.topic_texts.topic import Topic, paragraphs

TOPICS = (
    Topic(
        "scope",
        "How far a group's address reaches",
        paragraphs("""
            224.0.0.0/24 stays on the link: no router forwards it, whatever the TTL. 239.0.0.0/8
            is for private use inside an organization, with 239.255.0.0/16 as the smallest zone.
            232.0.0.0/8 is for named sources. A group from 233.0.0.0 to 233.251.255.255, or of
            234.0.0.0/8, belongs to whoever has the AS number or the network that is written in
            it. 233.252.0.0/24 is for examples. What is left is assigned by IANA or reserved.

            The address is a promise, not a fence: routers keep to it where they are configured
            to. The TTL bounds a packet besides, whichever is narrower.
        """),
        ("RFC 5771", "RFC 2365 sections 5 and 6", "RFC 3180", "RFC 6034", "RFC 6676"),
        ("ttl", "ipv6 scopes", "ssm"),
        ("scopes", "239", "admin scoped", "link-local", "range", "ranges"),
    ),
    Topic(
        "ipv6 scopes",
        "The digit in ff02:: that says how far",
        paragraphs("""
            The fourth digit of an IPv6 group is its scope: ff01 this interface only, ff02 the
            link, ff05 the site, ff08 the organization, ff0e anywhere. The third digit has flags:
            1 is a group nobody assigned, 3 one made of a prefix or a source-specific one.

            ff02::42 exists on every link, so an interface must be said: ff02::42%eth0. Sent
            without one, it leaves by whichever interface the routes name first, and no error
            tells.
        """),
        ("RFC 7346 section 2", "RFC 4291 section 2.7", "RFC 4007 section 11"),
        ("scope", "mld", "routes"),
        ("ipv6 scope", "ff02", "zone", "scope id", "ipv6"),
    ),
    Topic(
        "mac aliases",
        "32 IPv4 groups share one Ethernet address",
        paragraphs("""
            A group is sent to 01:00:5e and the last 23 bits of its address. Five bits are not
            carried, so 224.1.0.1, 225.1.0.1, 239.129.0.1 and 29 others come in the same frames.
            The card and many switches cannot tell them apart; the kernel can, and drops what
            nobody here joined.

            The aliases of 224.0.0.x are the worst choice: a switch that looks only at the
            Ethernet address floods 225.0.0.5 and 239.128.0.5 as it must flood 224.0.0.5.

            IPv6 groups go to 33:33 and their last 32 bits.
        """),
        ("RFC 1112 section 6.4", "RFC 2464 section 7", "RFC 4541 section 2.1.2"),
        ("snooping", "scope"),
        ("mac", "mac address", "aliases", "ethernet", "01:00:5e"),
    ),
    Topic(
        "all hosts",
        "224.0.0.1 and ff02::1: groups that nobody leaves",
        paragraphs("""
            Every host is a member of 224.0.0.1 and of ff02::1 for as long as its interface is up.
            They are never reported, and leaving only ends that our socket hears them.

            A socket hears them only if it joins them, or takes all the host's groups (see
            multicast_all).
        """),
        ("RFC 1112 sections 4 and 7.2", "RFC 3376 section 5", "RFC 4291 section 2.7.1", "RFC 3810 section 6"),
        ("join", "multicast_all"),
        ("224.0.0.1", "ff02::1", "all-hosts", "all nodes"),
    ),
    Topic(
        "broadcast",
        "The kinds of broadcast, and how they differ from multicast",
        paragraphs("""
            255.255.255.255 is the limited broadcast: every host of the link, and no router
            forwards it. 192.168.10.255 is the directed broadcast of the network 192.168.10.0/24:
            the same there, and a unicast address anywhere else; routers drop it unless told
            otherwise. 192.168.10.0 was one once; to Linux since 5.14 it is one host. IPv6 has
            none: ff02::1 takes its place.

            Nobody joins it. Every host of the link must look at each packet, no switch holds it
            back, and it always returns to the sender, whatever the loop option says. A socket
            must ask for it before it may send (SO_BROADCAST, else EACCES); receiving needs no
            option.

            To send to 255.255.255.255 the kernel needs a route or a chosen interface.
        """),
        ("RFC 919 section 7", "RFC 922 section 7", "RFC 2644", "socket(7) SO_BROADCAST"),
        ("bind address", "routes", "loop"),
        ("broadcast kinds", "directed broadcast", "limited broadcast", "255.255.255.255", "so_broadcast"),
    ),
)
