"""How a datagram leaves, and what may be believed of what arrives."""

from __future__ import annotations

from mcast_tui.services.membership.topic_texts.topic import Topic, paragraphs

TOPICS = (
    Topic(
        "ttl",
        "TTL and hop limit: how many routers a packet may pass",
        paragraphs("""
            Each router lowers it by one and drops the packet at zero. For multicast the default
            is 1: it stays on this link. 2 passes one router, if that one routes multicast. 0 does
            not leave this host. 224.0.0.0/24 and ff02:: are never forwarded, whatever it is.

            A receiver is told what was left of it (IP_RECVTTL, IPV6_RECVHOPLIMIT), not with how
            much a packet started. /ttl sets it for a group.
        """),
        ("ip(7) IP_MULTICAST_TTL", "RFC 1112 section 6.1", "RFC 3493 section 5.2"),
        ("scope", "loop", "routes"),
        ("hop limit", "hops", "hop_limit", "ip_multicast_ttl", "ip_ttl"),
    ),
    Topic(
        "loop",
        "Whether this host hears its own multicast",
        paragraphs("""
            By default the kernel returns what is sent to a group to the members on this host. The
            option belongs to the sender: with it off, no program of this host hears the packet,
            while the others on the link do. So two people on one machine need it on.

            What returns looks like what came in: it names the real interface. We know our own by
            address, port and content. Broadcast returns always.
        """),
        ("ip(7) IP_MULTICAST_LOOP", "RFC 3493 section 5.2", "RFC 1112 section 6.1"),
        ("broadcast", "pktinfo"),
        ("loopback", "ip_multicast_loop", "echo", "own packets"),
    ),
    Topic(
        "source port",
        "From which port we send, and why it matters",
        paragraphs("""
            What we say to a group leaves from the group's own port, so that whoever answers the
            sender is heard, and so that peers that look at it are content. socat since 1.7.4 does
            not look at it.

            /msg to one host leaves by a port of its own instead: the group's port may be shared
            with other programs, and of unicast only the one that bound it last gets anything.
        """),
        ("udp(7)", "socket(7) SO_REUSEADDR"),
        ("bind address", "chat security"),
        ("port", "ports", "reuseaddr", "so_reuseaddr"),
    ),
    Topic(
        "routes",
        "Whether multicast needs a route",
        paragraphs("""
            A program that names no interface sends and joins by the routing table: without a
            route that covers the group, a send is answered ENETUNREACH, network is unreachable,
            and a join ENODEV, no such device. With several interfaces the routes may choose
            another one than you mean.

            Here the interface is named with each join and each datagram, so no route is needed. A
            socat peer may need one: ip route add 224.0.0.0/4 dev eth0. It goes when the link goes
            down, and does not return with it.
        """),
        ("ip(7) IP_MULTICAST_IF", "ip-route(8)"),
        ("join", "broadcast", "rp_filter"),
        ("route", "routing", "enetunreach", "network is unreachable", "enodev", "ip_multicast_if"),
    ),
    Topic(
        "chat security",
        "Names are not identity, and everybody can read along",
        paragraphs("""
            A chat line is a bare datagram: nothing in it proves who sent it, a source address can
            be forged, and a name in the text is only text. Every host of the link can read it,
            and whoever shares the port can answer in your place.

            What arrives is never run: control characters are shown as pictures, and no payload
            reaches your terminal as it is. /block keeps out an address and not a person. What
            must be private or proved does not belong here.
        """),
        ("RFC 3552 section 3", "RFC 4607 section 7"),
        ("source filter", "source port"),
        ("security", "identity", "names", "privacy", "spoofing", "encryption"),
    ),
)
