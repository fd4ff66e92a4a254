"""What the kernel does with a packet on its way to a socket."""

from __future__ import annotations

from mcast_tui.services.membership.topic_texts.topic import Topic, paragraphs

TOPICS = (
    Topic(
        "pktinfo",
        "How we know to which group a packet was sent",
        paragraphs("""
            The payload does not say it, and the socket's address need not either. With
            IP_PKTINFO, or IPV6_RECVPKTINFO, the kernel adds to each datagram the interface it
            came in by, the destination in its header, and for IPv4 the local address it belongs
            to.

            For a packet to one host both addresses are the same; for multicast and broadcast the
            header has the group. It must be asked for before the socket is bound: a datagram that
            was queued earlier comes without. Own packets that return name the real interface, so
            it does not tell them apart.
        """),
        ("ip(7) IP_PKTINFO", "RFC 3542 section 6"),
        ("bind address", "loop", "multicast_all"),
        ("ip_pktinfo", "ipv6_recvpktinfo", "ancillary data", "cmsg"),
    ),
    Topic(
        "multicast_all",
        "Why a socket may hear groups it never joined",
        paragraphs("""
            By default a Linux socket gets every group that anybody on this host has joined, if
            port and bound address fit: IP_MULTICAST_ALL is 1. So two programs on one port see
            each other's groups, and a stream seems to be mixed with another one.

            With 0 it gets only what it joined itself, and not even 224.0.0.1. That is set here on
            every socket, for both families. Broadcast and unicast are not concerned.
        """),
        ("ip(7) IP_MULTICAST_ALL", "linux/in6.h IPV6_MULTICAST_ALL"),
        ("bind address", "pktinfo", "join"),
        ("ip_multicast_all", "ipv6_multicast_all", "leak", "multicast all"),
    ),
    Topic(
        "bind address",
        "What a socket hears by the address it is bound to",
        paragraphs("""
            Bound to 0.0.0.0 or [::] it hears groups, broadcast and unicast to its port. Bound to
            a group it hears only that group. Bound to an address of this host it hears unicast
            only: no multicast and no broadcast, which is why people say not to bind.

            Binding is not joining: both are needed. Here each group's socket is bound to the
            group, and one more socket per port hears the rest. Windows refuses to bind to a
            group.
        """),
        ("RFC 3493 section 5.2", "ip(7)", "bind(2)"),
        ("multicast_all", "source port", "join"),
        ("bind", "binding", "0.0.0.0", "inaddr_any"),
    ),
    Topic(
        "receive buffer",
        "Packets the kernel dropped because nobody read them in time",
        paragraphs("""
            Each socket has a buffer. When packets come faster than they are read it fills, and
            what comes then is dropped and counted: on the socket, in the drops column of
            /proc/net/udp, and as Udp RcvbufErrors. The network lost nothing, this host did. It is
            the first of the counters at the top right, dropped.

            A larger buffer (--receive-buffer) helps against bursts, and not against a reader that
            is too slow on the whole. net.core.rmem_max caps what is asked for, silently; the
            kernel counts its own overhead too, which is more than the payload for small packets.
        """),
        ("socket(7) SO_RCVBUF", "ss(8) --memory", "proc(5) /proc/net/snmp"),
        ("tap", "pktinfo"),
        ("drops", "dropped", "rcvbuf", "so_rcvbuf", "loss", "rmem_max", "buffer"),
    ),
    Topic(
        "rp_filter",
        "Packets dropped because their source seems to be elsewhere",
        paragraphs("""
            Reverse-path filtering asks: would I send to this source by the interface the packet
            came in by? Strict (1) drops it otherwise; loose (2) drops it when there is no route
            to the source at all. Senders of another network on the same wire, and hosts with two
            cards, run into it.

            No error tells: the packet comes in, and the counter TcpExt IPReversePathFilter grows.
            Queries are dropped alike, and then this host does not answer and is forgotten by the
            switch.

            The value in force is the larger of net.ipv4.conf.all.rp_filter and the interface's
            own. IPv6 has no such setting.
        """),
        ("RFC 3704 section 2", "kernel ip-sysctl: rp_filter"),
        ("routes", "firewall", "querier"),
        ("reverse path", "rpf", "ipreversepathfilter"),
    ),
    Topic(
        "firewall",
        "How a firewall makes multicast vanish",
        paragraphs("""
            A rule on input drops packets after they were received and before any socket: no
            error, and nothing in the socket's counters. A rule on output, however, answers a send
            with EPERM, operation not permitted.

            Besides the group's own port, IGMP (IP protocol 2) and ICMPv6 types 130 to 132 and 143
            must pass: without queries and reports the switch forgets this host. A rule for
            established connections does not cover the answers to multicast, for they come from
            addresses that were never sent to.
        """),
        ("nft(8)", "RFC 4890 section 4.4.1"),
        ("rp_filter", "snooping"),
        ("nft", "iptables", "eperm", "firewalld", "ufw"),
    ),
    Topic(
        "tap",
        "Seeing what no socket of ours would get",
        paragraphs("""
            A packet socket sees frames before the kernel sorts them: IGMP and MLD, groups that
            nobody here joined, and what a firewall or rp_filter drops later. It needs the
            privilege CAP_NET_RAW. With TPACKET the kernel writes the frames into memory we share,
            so few are lost.

            It is passive: it joins and sends nothing. On a switch that snoops even a tap sees
            only what the switch forwards to this port, so it may miss the reports of others.
        """),
        ("packet(7)", "capabilities(7) CAP_NET_RAW", "RFC 4541 section 2.1.1"),
        ("report", "snooping", "raw ip"),
        ("tpacket", "af_packet", "packet socket", "sniff", "cap_net_raw"),
    ),
    Topic(
        "raw ip",
        "Datagrams without ports: ip://224.1.0.1:253",
        paragraphs("""
            A raw socket sends and receives IP of one protocol number. There are no ports, so
            every raw socket of that protocol gets a copy. 253 and 254 are there for experiments.
            It needs the privilege CAP_NET_RAW.

            An IPv4 datagram is handed over with its header, an IPv6 one without. For IPv6 the
            kernel does not keep groups apart on raw sockets, so a socket filter of ours does.
        """),
        ("raw(7)", "RFC 3692", "ipv6(7)"),
        ("tap", "multicast_all"),
        ("raw", "sock_raw", "protocol number", "253"),
    ),
)
