"""What we read in an address, against what the real socat does with it: its log, and the kernel's tables."""

import re
import shlex
import shutil
import subprocess
import sys
from ipaddress import ip_address, ip_network
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcast_tui.errors import EndpointError
from mcast_tui.wire.kernel_tables import parse_igmp, parse_igmp6
from mcast_tui.wire.socat.address import CommandAddress, Manner, Report
from mcast_tui.wire.socat.kinds import TYPES
from mcast_tui.wire.socat.line import format_socat
from mcast_tui.wire.socat.options import OPTIONS
from mcast_tui.wire.socat.parse import parse_socat
from tests.peers import Output, requires
from tests.wire.socat_addresses import texts

pytestmark = requires("socat")

# Addresses as people might write them, that socat can open on host 1 of the lab.


def quoted(value):
    """Return the value as it is, or in one of the ways to quote it that mean the same."""
    bare = value.replace("[", "\\[") if "[" not in value else value
    return st.sampled_from(
        [value, f'"{value}"', f"'{value}'", f'{bare[:1]}"{bare[1:]}"' if value[0] != "[" else bare]
    )


def spelt(name):
    """Return the name of an option in any of its spellings, in any case."""
    option = next(each for each in OPTIONS if name in (each.name, *each.aliases))
    return st.sampled_from([option.name, *option.aliases]).flatmap(
        lambda each: st.sampled_from([each, each.upper(), each.title()])
    )


SWITCHES = ("", "=0", "=1")
BYTES = st.integers(0, 255).flatmap(lambda number: st.sampled_from([str(number), hex(number)]))
SIZES = st.integers(3000, 100_000).map(str)
GROUPS = {4: ("224.1.0.1", "239.255.0.7"), 6: ("[ff15::42]", "[ff02::4d43]")}
INTERFACES = {4: ("eth0", "192.168.10.1", "lo", "INDEX"), 6: ("eth0", "lo", "INDEX")}
OF_BOTH = {
    "so-broadcast": SWITCHES,
    "so-reuseaddr": ("", "=1"),
    "so-reuseport": SWITCHES,
    "so-timestamp": SWITCHES,
    "so-bindtodevice": ("=eth0",),
    "so-rcvbuf": SIZES,
    "so-sndbuf": SIZES,
}
OF_FAMILY = {
    4: {
        "ip-multicast-if": ("=192.168.10.1",),
        "ip-multicast-loop": SWITCHES,
        "ip-multicast-ttl": BYTES,
        "ip-ttl": st.integers(1, 255).map(str),
        "ip-tos": st.integers(0, 63).map(
            lambda number: str(number * 4)
        ),  # the kernel's bits 0 and 1 are ECN's
        "ip-pktinfo": SWITCHES,
        "ip-recvttl": SWITCHES,
        "ip-recvtos": SWITCHES,
    },
    6: {
        "ipv6-unicast-hops": BYTES,
        "ipv6-tclass": BYTES,
        "ipv6-recvpktinfo": SWITCHES,
        "ipv6-recvhoplimit": SWITCHES,
        "ipv6-recvtclass": SWITCHES,
        "ipv6-v6only": ("", "=1"),
    },
}
RANGES = {4: ("192.168.10.0/24", "10.0.0.0:255.0.0.0"), 6: ("[fe80::]/64", "[fd00::]/8")}
DESTINATIONS = {
    4: ("224.1.0.1", "192.168.10.2", "192.168.10.255"),
    6: ("[ff02::4d43%eth0]", "[ff15::42]", "[::1]"),
}
OWN = {4: ("192.168.10.1", "224.1.0.1", "0.0.0.0", ""), 6: ("[::]", "[ff15::42]")}


@st.composite
def given_options(draw, family, transport):
    """Draw some options of sockets, each once, with good values."""
    pool = {**OF_BOTH, **OF_FAMILY[family]}
    if transport == "IP":
        pool.pop("ipv6-v6only", None)
    chosen = draw(st.lists(st.sampled_from(sorted(pool)), unique=True, max_size=8))
    written = []
    for name in chosen:
        values = pool[name]
        value = draw(st.sampled_from(values)) if isinstance(values, tuple) else f"={draw(values)}"
        said = f"={draw(quoted(value[1:]))}" if value else ""
        written.append(draw(spelt(name)) + said)
    join = {4: "ip-add-membership", 6: "ipv6-join-group"}[family]
    for group in draw(st.lists(st.sampled_from(GROUPS[family]), unique=True)):
        value = f"{group}:{draw(st.sampled_from(INTERFACES[family]))}"
        written.append(f"{draw(spelt(join))}={draw(quoted(value))}")
    return written


@st.composite
def written_addresses(draw):
    """Draw the text of a datagram address; INDEX stands for the index of eth0."""
    family, manner = draw(st.sampled_from([4, 6])), draw(st.sampled_from(list(Manner)))
    transport, digit = draw(st.sampled_from(["UDP", "UDP", "IP"])), draw(st.sampled_from([str(family), ""]))
    number = "253" if transport == "IP" else str(draw(st.integers(20_000, 30_000)))
    sends = manner in (Manner.SENDTO, Manner.DATAGRAM)
    host = f"{draw(st.sampled_from(DESTINATIONS[family]))}:" if sends else ""
    options = draw(given_options(family, transport))
    if not digit and (not sends or draw(st.booleans())):
        names = ["2"] if family == 4 else ["10"]
        if not (sends and transport == "IP"):  # there socat 1.7.4.4 takes the number alone
            names += [f"ip{family}", f"inet{family}", f"ipv{family}"]
        options.append(f"{draw(spelt('pf'))}={draw(st.sampled_from(names))}")
    own = draw(st.sampled_from(OWN[family]))
    if draw(st.booleans()) and (own or (sends and transport == "UDP")):
        port = draw(st.integers(20_000, 30_000))
        with_port = sends and transport == "UDP" and (not own or draw(st.booleans()))
        options.append(f"bind={own}:{port}" if with_port else f"bind={own}")
    has_range = digit or manner in (
        Manner.RECV,
        Manner.RECVFROM,
    )  # socat's UDP-DATAGRAM reads no range without pf
    if has_range and manner is not Manner.SENDTO and draw(st.booleans()):
        options.append(f"range={draw(quoted(draw(st.sampled_from(RANGES[family]))))}")
    if transport == "UDP" and not (manner is Manner.SENDTO and any("bind" in each for each in options)):
        options += draw(st.sampled_from([[], ["sourceport=25001"]]))
    if manner is Manner.RECVFROM:
        options += draw(st.sampled_from([[], ["fork"], ["fork=1", "max-children=3"], ["fork=0"]]))
    shuffled = draw(st.permutations(options))
    kind = draw(st.sampled_from([str.upper, str.lower, str.title]))(f"{transport}{digit}-{manner.value}")
    return ",".join([f"{kind}:{host}{number}", *shuffled])


# What socat reports of it, and what we say it must.

READY = re.compile(rb"starting recvfrom loop|starting data transfer loop")
SOCKET = re.compile(r"I socket\((\d+), (\d+), (\d+)\) -> 5$", re.MULTILINE)
SETSOCKOPT = re.compile(r"D setsockopt\(5, (\d+), (\d+), \{(?:0x)?([0-9a-f]+)(?:,[0-9a-f]+)*\}, \d+\)")
BIND = re.compile(r"D bind\(5, AF=\d+ (\S+), \d+\)")
SENDTO = re.compile(r"D sendto\(5, .*\{AF=\d+ (\S+)\}")
SETTING = re.compile(r'I setting option "(range|sourceport|fork|max-children)" to "?([^"\n]*)')
JOINS = ((0, 35), (41, 20))


def reported(host, text):
    """Run socat with the address on `host` until it has opened it, and sent a line if it can send."""
    with host.entered():
        process = subprocess.Popen(
            ["socat", "-d", "-d", "-d", "-d", "STDIO", text],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
    with process:
        errors = Output(process.stderr, f"socat {text}")
        try:
            errors.wait(lambda: READY.search(errors.data), "its loop")
            joined = memberships_of(process.pid)
            if "SENDTO" in text.upper() or "DATAGRAM" in text.upper():
                process.stdin.write(b"x\n")
                process.stdin.flush()
                errors.wait(lambda: b"D sendto(" in errors.data, "sendto")
        finally:
            process.kill()
            process.wait()
    facts = read_log(errors.data.decode(errors="replace")) | {("member", *each) for each in joined}
    if "SENDTO" in text.upper():  # there sourceport is another word for bind, which is told
        facts = {fact for fact in facts if fact[:2] != ("setting", "sourceport")}
    return facts


def memberships_of(pid):
    """Return (group, interface) of all memberships in the process's network namespace."""
    tables = Path(f"/proc/{pid}/net")
    rows = parse_igmp((tables / "igmp").read_text(), sys.byteorder).rows
    rows += parse_igmp6((tables / "igmp6").read_text()).rows
    return {(str(row.group), row.interface) for row in rows}


def read_log(log):
    [family, kind, protocol] = SOCKET.search(log).groups()
    facts = {("socket", int(family), int(kind), int(protocol))}
    for level, name, value in SETSOCKOPT.findall(log):
        if (int(level), int(name)) not in JOINS:
            facts.add(("option", int(level), int(name), int(value, 16)))
    facts |= {("bind", place(each)) for each in BIND.findall(log)}
    facts |= {("sendto", place(each)) for each in SENDTO.findall(log)}
    return facts | {("setting", name, value) for name, value in SETTING.findall(log)}


def place(text):
    """Return (address, port) of socat's way to write them, IPv6 in full."""
    host, port = text.rsplit(":", 1)
    return ip_address(host.strip("[]")), int(port)


def word_of(address):
    """Return the first bytes of an IPv4 address as socat prints them, in this machine's order."""
    return int.from_bytes(ip_address(address).packed, sys.byteorder)


def text_of_int(text):
    """Return the bytes of a device name as socat prints them."""
    return int.from_bytes(text.encode(), sys.byteorder)


REPORTS = {
    (Report.PACKET_INFO, 4): (0, 8),
    (Report.HOP_LIMIT, 4): (0, 12),
    (Report.TRAFFIC_CLASS, 4): (0, 13),
    (Report.PACKET_INFO, 6): (41, 49),
    (Report.HOP_LIMIT, 6): (41, 51),
    (Report.TRAFFIC_CLASS, 6): (41, 66),
    (Report.TIMESTAMP, 4): (1, 29),
    (Report.TIMESTAMP, 6): (1, 29),
}


def expected(address, interfaces, before):
    """Return what socat must report of an address as we read it; nothing is said of what is off."""
    raw, sixth = address.protocol is not None, address.family == 6
    facts = {("socket", 10 if sixth else 2, 3 if raw else 2, address.protocol or 17)}
    options = {
        (1, 6): int(address.broadcast) or None,
        (1, 2): int(address.reuse_address) or None,
        (1, 15): int(address.reuse_port) or None,
        (1, 8): address.receive_buffer,
        (1, 7): address.send_buffer,
        (1, 25): address.device and text_of_int(address.device),
        (41, 26): int(address.ipv6_only) or None,
        (41, 16) if sixth else (0, 2): address.unicast_hop_limit,
        (41, 67) if sixth else (0, 1): address.traffic_class,
        (41, 18) if sixth else (0, 33): address.multicast_hop_limit,
        (41, 19) if sixth else (0, 34): None if address.loop is None else int(address.loop),
    }
    if address.multicast_interface and not sixth:
        options[0, 32] = word_of(address.multicast_interface)
    for report in address.reports:
        options[REPORTS[report, address.family]] = 1
    facts |= {("option", *option, value) for option, value in options.items() if value is not None}
    wildcard = ip_address("::" if sixth else "0.0.0.0")
    receives = address.manner in (Manner.RECV, Manner.RECVFROM)
    if receives or address.local_address or address.local_port:
        facts.add(("bind", (address.local_address or wildcard, address.local_port or 0)))
    if address.remote:
        facts.add(("sendto", (address.remote.address, address.remote.port)))
    for network in address.ranges:
        facts.add(
            (
                "setting",
                "range",
                f"[{network.network_address}]/{network.prefixlen}" if sixth else str(network),
            )
        )
    if address.source_port:
        facts.add(("setting", "sourceport", str(address.source_port)))
    if address.fork:
        facts.add(("setting", "fork", "1"))
    if address.most_children:
        facts.add(("setting", "max-children", str(address.most_children)))
    joined = {(str(each.address), interfaces[each.interface]) for each in address.memberships}
    return facts | {("member", *each) for each in before | joined}


def comparable(facts):
    """Return what socat reported in the words of `expected`: nothing that is off, or is as without it."""
    switches = {(1, 6), (1, 2), (1, 15), *REPORTS.values()}
    told = set()
    for fact in facts:
        match fact:
            case ("option", level, name, 0) if (level, name) in switches:
                continue
            case ("setting", "fork", "0"):
                continue
            case ("bind", (address, 0)) if address.is_unspecified:
                continue
            case ("setting", "range", text):
                told.add(("setting", "range", network_of(text)))
            case _:
                told.add(fact)
    return told


def network_of(text):
    """Return the network that socat was given as ADDRESS/BITS, ADDRESS:MASK or [ADDRESS]/BITS."""
    if text.startswith("["):
        return ip_network(text.replace("[", "").replace("]", ""))
    return ip_network(text.replace(":", "/"))


def test_socat_does_what_we_read_in_an_address(host1):
    """Socket, bind, destination, every socket option and every membership, for any spelling of an address."""
    interfaces = {"eth0": "eth0", "lo": "lo", "192.168.10.1": "eth0", str(host1.ifindex): "eth0"}
    before = memberships_of(host1.pid)

    @settings(
        max_examples=40,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(written_addresses())
    def holds(text):
        text = text.replace("INDEX", str(host1.ifindex))
        address = parse_socat(text)
        assert comparable(reported(host1, text)) == comparable(expected(address, interfaces, before))

    holds()


# Texts of commands: written by us, run by socat.


@settings(max_examples=25, derandomize=True, deadline=None, database=None)
@given(st.lists(texts, min_size=1, max_size=4), st.booleans())
def test_socat_runs_the_command_we_write_for_it(words, by_shell):
    line = ("printf", "%s\\0", *words)
    if by_shell:
        command = CommandAddress("", None, shlex.join(line))
    else:
        command = CommandAddress("", (shutil.which("printf"), *line[1:]), None)
    written = format_socat(command)
    ended = subprocess.run(["socat", "-u", written, "STDIO"], capture_output=True, timeout=10, check=False)
    assert ended.stdout.decode().split("\0")[:-1] == words, ended.stderr
    assert ended.stderr == b""


# Malformed addresses: both refuse. And where we knowingly differ.

MALFORMED = """
UDP4-DATAGRM:224.1.0.1:6666
UDP4-DATAGRAM
UDP4-DATAGRAM:224.1.0.1
UDP4-DATAGRAM:224.1.0.1:6666:7
UDP6-DATAGRAM:ff15::42:6666
UDP4-DATAGRAM:[ff15::42]:6666
UDP4-RECV
UDP4-RECV:nonsense
UDP4-RECV:-5
UDP6-RECV:6666,bind=::1
UDP4-RECV:6666,bind=:7777
IP4-RECV:253,bind=:7777
IP4-RECV:256
IP4-RECV:253:7
IP4-RECV:253,sourceport=7
STDIO:1
STDIO,fork
EXEC:echo a:b
EXEC:echo "a
UDP4-RECV:6666,fork
UDP4-RECV:6666,nonsense
UDP4-RECV:6666, ttl=1
UDP4-RECV:6666,ttl=
UDP4-RECV:6666,ttl=4x
UDP4-RECV:6666,ttl=nonsense
UDP4-RECV:6666,broadcast=x
UDP4-RECV:6666,ip-multicast-ttl=300
UDP4-RECV:6666,ip-multicast-if=eth0
UDP4-RECV:6666,range=10.0.0.1
UDP4-RECV:6666,range=10.0.0.0/33
UDP4-DATAGRAM:127.0.0.1:6666,range=10.0.0.0/8,range=10.0.0.0/8
IP6-RECV:253,ipv6only
UDP6-RECV:6666,range=::1/128
UDP4-SENDTO:127.0.0.1:6666,range=127.0.0.0/8
UDP4-RECV:6666,ip-add-membership=224.1.0.1
UDP4-RECV:6666,ip-add-membership=10.0.0.1:lo
UDP4-RECV:6666,ip-add-membership=224.1.0.1:
UDP6-RECV:6666,ipv6-join-group=ff15::42:lo
UDP6-RECV:6666,ipv6-join-group=[ff15::42]:[::1]
UDP6-RECV:6666,ipv6-join-group=[ff15::42%lo]:lo
UDP6-RECV:6666,ip-add-membership=224.1.0.1:lo
UDP6-DATAGRAM:[ff15::42%lo]:6666
UDP4-RECV:6666,ipv6only
UDP-RECV:6666,pf=local
UDP-RECV:6666,bind=[::]
UDP4-RECV:6666,"bind=127.0.0.1
""".strip().splitlines()


def socat_refuses(text):
    """Return whether socat ends by itself with an error, without opening the address."""
    argv = ["timeout", "--preserve-status", "5", "socat", "-T1", "-u", text, "STDIO"]
    if "SENDTO" in text or "DATAGR" in text:
        argv = ["timeout", "--preserve-status", "5", "socat", "-T1", "-u", "STDIO", text]
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False)
    return ended.returncode == 1 and b" E " in ended.stderr


def we_refuse(text):
    try:
        parse_socat(text)
    except EndpointError:
        return True
    return False


def test_what_socat_refuses_we_refuse(host1):
    with host1.entered():
        for text in MALFORMED:
            assert (socat_refuses(text), we_refuse(text)) == (True, True), text


STRICTER = """
UDP4-DATAGRAM:127.0.0.1:6666,ttl=4,ttl=5
UDP4-DATAGRAM:127.0.0.1:6666,ttl=010
UDP4-DATAGRAM:127.0.0.1:6666,ttl
UDP4-DATAGRAM:127.0.0.1:6666,ttl= 4
UDP4-DATAGRAM:127.0.0.1:6666,broadcast=2
UDP4-DATAGRAM:127.0.0.1:6666,range=127.0.0.1/8
UDP4-DATAGRAM:127.0.0.1:6666,=5
UDP4-DATAGRAM:127.0.0.1:6666,reuseaddr=0
UDP4-DATAGRAM:localhost:6666
UDP4-DATAGRAM:[127.0.0.1]:6666
UDP6-DATAGRAM:[::1]:6666,ipv6only=0
UDP6-DATAGRAM:[::1]:6666,ip-multicast-ttl=4
UDP6-DATAGRAM:[ff15::42%1]:6666
SYSTEM:true a:b
""".strip().splitlines()
"""What docs/socat.md tells of: socat takes these, often not as they were meant, and we do not."""


def test_we_are_stricter_where_the_document_says_so(host1):
    with host1.entered():
        for text in STRICTER:
            assert (socat_refuses(text), we_refuse(text)) == (False, True), text


LARGER = """
UDP4-DATAGRAM:127.0.0.1:6666,ip-recvdstaddr
UDP4-DATAGRAM:127.0.0.1:6666,ip-add-source-membership=232.1.1.1:127.0.0.1:127.0.0.1
IP-DATAGRAM:127.0.0.1:253,pf=ip4
UDP-DATAGRAM:127.0.0.1:6666,range=127.0.0.0/8
""".strip().splitlines()


def test_we_take_what_this_socat_only_promises(host1):
    with host1.entered():
        for text in LARGER:
            assert (socat_refuses(text), we_refuse(text)) == (True, False), text


NOT_IN_SOCAT = ("ip-recvdstaddr", "ip-add-source-membership")


def test_our_table_has_the_spellings_of_socat_and_no_others():
    told = subprocess.run(["socat", "-hhh"], capture_output=True, text=True, check=True).stdout
    for option in OPTIONS:
        aliases = re.findall(rf"^\s+(\S+) is an alias for {option.name}$", told, re.MULTILINE)
        if option.name not in NOT_IN_SOCAT:
            assert re.search(rf"^\s+{option.name}\s+groups=", told, re.MULTILINE), option.name
            assert sorted(option.aliases) == sorted(aliases), option.name


def test_our_types_have_the_synonyms_of_socat():
    told = subprocess.run(["socat", "-hhh"], capture_output=True, text=True, check=True).stdout
    ours = [name.lower() for name in TYPES if name not in ("-", "STDIO", "EXEC", "SYSTEM")]
    synonyms = [rf"{name} is an alias name for|{name}:<" for name in ours]
    assert all(re.search(rf"^\s+({each})", told, re.MULTILINE) for each in synonyms)
    theirs = re.findall(
        r"^\s+(\S+) is an alias name for (?:udp|ip)[46]?-(?:sendto|datagram)$", told, re.MULTILINE
    )
    assert set(theirs) <= set(ours)
