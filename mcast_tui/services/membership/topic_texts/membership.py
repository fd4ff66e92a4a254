"""Joining, leaving and what is said of it on the wire."""

from __future__ import annotations

from mcast_tui.services.membership.topic_texts.topic import Topic, paragraphs

TOPICS = (
    Topic(
        "join",
        "What joining a group does",
        paragraphs("""
            A program asks its kernel, with a socket option and an interface, to be a member of a
            group. Nothing is asked of the network, and nobody can refuse: the sender does not
            know who listens.

            The kernel counts the members among its own sockets. For the first one on an interface
            it has the card take in the group's frames, and announces the membership with a
            report. For a second one nothing is sent. When the program ends, however it ends, the
            kernel leaves for it.

            A socket may be a member of a group once on each interface. It joins by the
            interface's index here, so that no route is needed and no name or address can mislead.
        """),
        ("RFC 1112 sections 7.1 and 7.2", "RFC 3376 section 5.1", "ip(7) IP_ADD_MEMBERSHIP"),
        ("leave", "report", "limits", "routes"),
        ("membership", "member", "subscribe"),
    ),
    Topic(
        "leave",
        "What leaving a group does",
        paragraphs("""
            The kernel lowers its count of members. While another socket of this host holds the
            group on that interface, nothing is sent and frames still come in; only this socket
            hears them no more.

            When the last one goes, the host says so: IGMPv3 and MLDv2 report the change, IGMPv2
            sends Leave Group, MLDv1 Done, and IGMPv1 nothing. The querier then asks whether
            anybody else is left, and the switch stops forwarding when nobody answers, by default
            within two seconds.
        """),
        ("RFC 3376 sections 5.1 and 8.10", "RFC 2236 section 3", "RFC 2710 section 4"),
        ("join", "report", "querier"),
        ("part", "done"),
    ),
    Topic(
        "report",
        "How a host says that it is a member",
        paragraphs("""
            A report goes to all who care, switches and routers, and names groups. It is sent when
            the host's filter for an interface changes, and once more in case one is lost: within
            about a second, with IGMPv1, IGMPv2 and MLDv1 within ten. And it is the answer to a
            query, after a random time so that not everybody speaks at once.

            An IGMPv3 report goes to 224.0.0.22 and holds records: CHANGE_TO_EXCLUDE_MODE {} is a
            join from any source, CHANGE_TO_INCLUDE_MODE {} a leave, ALLOW_NEW_SOURCES and
            BLOCK_OLD_SOURCES add and take away sources; MODE_IS_EXCLUDE and MODE_IS_INCLUDE
            answer a query. MLDv2 has the same, to ff02::16. The older versions report each group
            to the group itself.

            A report passes no router: its TTL or hop limit is 1.
        """),
        ("RFC 3376 sections 4.2, 5 and 8.11", "RFC 3810 sections 5.2, 6 and 9.11", "RFC 2236 section 8.10"),
        ("join", "igmp versions", "mld", "tap"),
        ("reports", "record", "records", "igmp report"),
    ),
    Topic(
        "asm",
        "Any-source multicast, (*,G)",
        paragraphs("""
            A plain join hears everybody who sends to the group. The kernel keeps it as EXCLUDE
            {}: all but nobody. With /block its list names those to keep out.

            Nobody owns such a group: whoever takes the same address and port is heard by all its
            members, and the group must be agreed upon. To find sources in other networks, routers
            need help, such as a rendezvous point.
        """),
        ("RFC 1112 section 2", "RFC 3376 section 2", "RFC 4607 section 1"),
        ("ssm", "source filter", "multicast_all"),
        ("any source", "any-source", "(*,g)", "*,g"),
    ),
    Topic(
        "ssm",
        "Source-specific multicast, (S,G)",
        paragraphs("""
            A join that names the source hears that source only. The kernel keeps it as INCLUDE
            {S}; more sources can be added, and to drop the last one is to leave. Two senders may
            use the same group and not disturb each other's listeners.

            232.0.0.0/8 and ff3x::/32 are meant for it. Linux joins a group of these ranges
            without a source as well, but routers need not deliver anything to such a join.

            Only IGMPv3 and MLDv2 can say sources. Where an older version is in force, the switch
            and the router learn of the group alone, let every source through, and the kernel here
            drops the rest. In the two ranges a router may ignore such a report altogether.
        """),
        ("RFC 4607 sections 1 and 4", "RFC 4604 sections 2 and 3", "RFC 3678 section 4.1.2"),
        ("asm", "source filter", "igmp versions"),
        ("source specific", "source-specific", "(s,g)", "s,g"),
    ),
    Topic(
        "source filter",
        "Whom a socket hears: INCLUDE and EXCLUDE",
        paragraphs("""
            Each socket has a filter per group and interface: INCLUDE {A, B} hears only these,
            EXCLUDE {A, B} all but these. /source add, drop and only, /block and /unblock change
            it, and what is shown afterwards was read back from the kernel.

            It works at once, and per socket: one program may block a source that another on the
            same host hears. The interface's filter is what they all let in together, and only a
            change of that is reported. A list holds 10 sources of an IPv4 group and 64 of an IPv6
            one unless net.ipv4.igmp_max_msf and net.ipv6.mld_max_msf say otherwise.

            A filter is no wall: source addresses can be forged.
        """),
        ("RFC 3376 sections 2 and 3.2", "RFC 3678 section 5", "ip(7) IP_MSFILTER"),
        ("ssm", "asm", "chat security"),
        ("filter", "include", "exclude", "block", "unblock", "mcast_msfilter", "source"),
    ),
    Topic(
        "igmp versions",
        "IGMPv1, v2 and v3, and which is in force",
        paragraphs("""
            IGMPv1 has only query and report: who leaves just falls silent. IGMPv2 adds the leave
            and the election of a querier. IGMPv3 adds sources, and one report may name many
            groups; its standard, cited here as RFC 3376, has been RFC 9776 since 2025.

            A Linux host speaks v3 until it hears a query of an older version on that interface,
            then that version until none was heard for a while. With
            net.ipv4.conf.IF.force_igmp_version 1 or 2 it speaks nothing newer; 3 changes nothing.
            The column of /proc/net/igmp that is called Querier shows the version in force, not
            who asks.

            A Linux bridge's own querier asks in v2 unless told otherwise: every host on it then
            falls back, and sources are not signalled.
        """),
        (
            "RFC 3376 section 7.2.1",
            "RFC 2236 sections 4 and 13",
            "RFC 1112 appendix I",
            "kernel ip-sysctl: force_igmp_version",
        ),
        ("mld", "querier", "ssm"),
        ("igmp", "igmpv1", "igmpv2", "igmpv3", "version", "versions", "force_igmp_version"),
    ),
    Topic(
        "mld",
        "Multicast Listener Discovery, IPv6's IGMP",
        paragraphs("""
            MLD is a part of ICMPv6. MLDv1 does what IGMPv2 does, MLDv2 what IGMPv3 does. Messages
            come from a link-local address with hop limit 1 and a Router Alert option. MLDv2
            reports go to ff02::16, and queries to ff02::1, or to the group they are about. Its standard,
            cited here as RFC 3810, has been RFC 9777 since 2025.

            Linux does not show which version is in force on an interface; only
            net.ipv6.conf.IF.force_mld_version makes it certain. ff02::1 is never reported, nor
            any group that stays within the interface.
        """),
        ("RFC 3810 sections 5 and 6", "RFC 2710 section 3", "kernel ip-sysctl: force_mld_version"),
        ("igmp versions", "report", "ipv6 scopes"),
        ("mldv1", "mldv2", "listener"),
    ),
    Topic(
        "snooping",
        "Why a switch forwards a group to one port and not to another",
        paragraphs("""
            To a plain switch multicast is broadcast: it goes out of every port. A switch that
            snoops reads the reports that pass, and forwards a group only to ports where a member
            was heard and to the routers'.

            It must be reminded: a port is forgotten when no report was heard for the membership
            interval, 260 seconds by default, and hosts report only when a querier asks. So where
            snooping is on and nobody queries, a stream works for about four minutes and stops;
            or, as on a Linux bridge, the switch floods as long as it knows of no querier.

            224.0.0.0/24 is flooded always. Some switches look only at the Ethernet address, and
            flood its aliases with it.
        """),
        ("RFC 4541 sections 2.1.1 and 2.1.2", "RFC 3376 section 8.4"),
        ("querier", "prune", "mac aliases", "report"),
        ("switch", "igmp snooping", "mld snooping", "flooding", "mdb"),
    ),
    Topic(
        "querier",
        "Who asks the members to report again",
        paragraphs("""
            A querier, mostly a router, asks all hosts of the link every 125 seconds by default
            what they are members of. The answers keep the tables of switches and routers alive.
            Of several the one with the lowest address goes on, the others fall silent and take
            over when it does not ask any more.

            A switch may ask by itself, some from 0.0.0.0, which takes part in no election. Two
            queriers, a querier of another network's address, and one of an older version are
            worth a look.

            With no querier members are forgotten: then enable one on a switch or a router of this
            link.
        """),
        ("RFC 3376 sections 6.6.2, 8.2 and 8.5", "RFC 3810 section 7.6.2", "RFC 4541 section 2.1.1"),
        ("snooping", "prune", "igmp versions"),
        ("query", "queries", "general query", "election"),
    ),
    Topic(
        "prune",
        "When a switch or router stops delivering",
        paragraphs("""
            Delivery to a port or a network ends in two ways. Quickly, when the last member leaves
            and nobody answers the querier's question about the group: 2 seconds by default.
            Slowly, when members just are not heard: robustness x query interval + response
            interval, 260 seconds by default.

            The slow way also hits members that are alive, if no querier asks them or their
            answers are lost on the way. The countdown runs from the last report of this host.
        """),
        ("RFC 3376 sections 8.4 and 8.10", "RFC 3810 sections 9.4 and 9.10"),
        ("querier", "snooping", "leave"),
        ("pruning", "countdown", "timeout", "260"),
    ),
    Topic(
        "limits",
        "How many groups and sources the kernel allows",
        paragraphs("""
            An IPv4 socket joins 20 groups at most (net.ipv4.igmp_max_memberships); the 21st is
            answered ENOBUFS, no buffer space. Here each group has a socket of its own, so that
            limit does not bite. A group's list of sources has its own limits, igmp_max_msf and
            mld_max_msf.

            An IPv6 socket has no such limit but that of its option memory, and then answers
            ENOMEM.
        """),
        ("kernel ip-sysctl: igmp_max_memberships, igmp_max_msf", "ip(7)"),
        ("join", "source filter"),
        ("enobufs", "igmp_max_memberships", "igmp_max_msf", "mld_max_msf", "no buffer space"),
    ),
)
