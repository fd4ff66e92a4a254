"""Raw IP on the command line: --raw PROTOCOL and ip://, against the real socat."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from mcast_tui.cli.options import as_raw, raw_option
from mcast_tui.errors import UsageError
from mcast_tui.wire.address import parse_endpoint
from tests.cli.commands import COMMAND, main_on, run_on, started, wait_lines
from tests.peers import socat, tcpdump_on

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

pytestmark = pytest.mark.usefixtures("shared_lab")

WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set=-net_raw", "--inh-caps=-all", "--"]
RAW_SOCAT = "IP4-DATAGRAM:224.1.0.1:253,ip-add-membership=224.1.0.1:192.168.10.2"


@pytest.mark.parametrize(
    "arguments",
    [("224.1.0.1%eth0", "--raw", "253"), ("ip://224.1.0.1%eth0:253",)],
    ids=["--raw", "ip://"],
)
def test_listen_prints_what_tcpdump_saw_and_no_port(host1: Host, host2: Host, arguments) -> None:
    with (
        started(host1, "listen", *arguments, "--json") as listener,
        tcpdump_on(host1, "ip proto 253") as wire,
        socat(host2, "STDIO", RAW_SOCAT) as peer,
    ):
        peer.say("hello, raw lan")
        [line] = wait_lines(listener, 1)
        [seen] = wire.fields("ip.src", "ip.dst", "ip.ttl", "ip.proto", "data.data", at_least=1)
    record = json.loads(line)
    names = ("source", "destination", "hop_limit", "protocol", "payload_hex")
    assert tuple(str(record[name]) for name in names) == seen
    assert (record["source_port"], record["destination_port"]) == (None, None)
    assert (record["length"], record["text"]) == (15, "hello, raw lan\n")


def test_udp_is_protocol_17_beside_its_ports(host1: Host, host2: Host) -> None:
    with started(host1, "listen", "224.1.0.1%eth0", "--json") as listener:
        main_on(host2, "send", "224.1.0.1%eth0", "hello")
        [line] = wait_lines(listener, 1)
    record = json.loads(line)
    assert (record["protocol"], record["source_port"], record["destination_port"]) == (17, 6666, 6666)


def test_a_line_of_text_names_the_protocol(host1: Host, host2: Host) -> None:
    with (
        started(host1, "listen", "224.1.0.1%eth0", "[ff15::4d43%eth0]", "--raw", "253") as listener,
        host2.entered(),
        socket.socket(socket.AF_INET, socket.SOCK_RAW, 253) as sender4,
        socket.socket(socket.AF_INET6, socket.SOCK_RAW, 253) as sender6,
    ):
        for sender in (sender4, sender6):
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        sender4.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, bytes.fromhex("94040000"))
        sender4.sendto(b"behind a router alert", ("224.1.0.1", 0))
        wait_lines(listener, 1)
        sender6.sendto(b"\x1b[2Jsix", ("ff15::4d43", 0))
        four, six = wait_lines(listener, 2)
    assert " 192.168.10.2 " in four
    assert " > ip://224.1.0.1:253 " in four
    assert four.endswith("len    21 behind a router alert")
    assert " > ip://[ff15::4d43]:253 " in six
    assert "\x1b" not in six
    for line in (four, six):
        assert ":None" not in line
        assert ":0 " not in line


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("224.1.0.1%eth0", RAW_SOCAT),
        ("broadcast%eth0", "IP4-RECV:253"),
        ("192.168.10.2", "IP4-RECVFROM:253"),
        ("[ff15::4d43%eth0]", "IP6-RECV:253,ipv6-join-group=[ff15::4d43]:eth0"),
    ],
)
def test_socat_hears_what_send_sends(host1: Host, host2: Host, endpoint: str, address: str) -> None:
    with socat(host2, "-u", address, "STDIO") as peer:
        done = main_on(host1, "send", endpoint, "hello", "--raw", "253")
        assert peer.hears("hello")
    assert done.returncode == 0, done.stderr
    assert "None" not in done.stderr
    assert ":0" not in done.stderr


def test_query_prints_who_answered(host1: Host, host2: Host) -> None:
    echo = "IP4-RECVFROM:253,ip-add-membership=224.1.0.1:192.168.10.2,fork"
    with socat(host2, echo, "SYSTEM:read x; echo you said $x"):
        done = run_on(host1, "query", "224.1.0.1%eth0", "hi", "--raw", "253", "--count", "1", "--wait", "8")
    assert done.returncode == 0, done.stderr
    assert "192.168.10.2" in done.stdout
    assert "you said hi" in done.stdout
    assert "None" not in done.stdout + done.stderr


def test_peers_chat_over_raw_ip(host1: Host, host2: Host) -> None:
    with started(host1, "chat", "ip://224.1.0.1%eth0:253") as chat, socat(host2, "STDIO", RAW_SOCAT) as peer:
        chat.write(b"from the chat\n")
        assert peer.hears("from the chat")
        peer.say("from socat")
        [line] = wait_lines(chat, 1)
    assert line.endswith(" 192.168.10.2 to ip://224.1.0.1:253: from socat")


@pytest.mark.parametrize(
    ("verb", "endpoint", "protocol", "why"),
    [
        ("listen", "224.1.0.1%eth0:6666", "253", "raw IP has no ports"),
        ("send", "224.1.0.1%eth0:7", "253", "Leave out :7"),
        ("query", "224.1.0.1%eth0:6666", "253", "raw IP has no ports"),
        ("listen", "ip://224.1.0.1%eth0:254", "253", "it names protocol 254 itself"),
        ("query", "224.1.0.1%eth0", "256", "256 is not in the range"),
        ("listen", "224.1.0.1%eth0", "udp", "not a valid integer"),
        ("send", "224.1.0.1%eth0", "0", "protocols 1 to 255"),
    ],
)
def test_what_makes_no_raw_endpoint_is_a_usage_error(
    host1: Host, verb: str, endpoint: str, protocol: str, why: str
) -> None:
    more = () if verb == "listen" else ("hello",)
    done = main_on(host1, verb, endpoint, *more, "--raw", protocol)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr


@pytest.mark.parametrize("verb", ["listen", "send", "query"])
def test_without_the_privilege_it_says_which_and_that_udp_needs_none(host1: Host, verb: str) -> None:
    more = () if verb == "listen" else ("hello",)
    command = [*WITHOUT_PRIVILEGE, *COMMAND, verb, "224.1.0.1%eth0", *more, "--raw", "253"]
    done = host1.run(command, check=False, input="")
    assert (done.returncode, done.stdout) == (3, "")
    assert "raw IP needs a privilege (CAP_NET_RAW)" in done.stderr
    assert "EPERM" in done.stderr
    assert "or use UDP, which needs none" in done.stderr
    assert "Traceback" not in done.stderr


def test_udp_endpoints_stay_what_they_are_without_raw() -> None:
    endpoints = [parse_endpoint("224.1.0.1:7"), parse_endpoint("ip://224.1.0.1:253")]
    assert as_raw(endpoints, None) == endpoints
    assert as_raw(endpoints[1:], 253) == endpoints[1:]
    assert [str(each) for each in as_raw([parse_endpoint("10.0.0.1,232.1.1.1%eth0+2")], 254)] == [
        "ip://10.0.0.1@232.1.1.1%eth0:254+2"
    ]
    with pytest.raises(UsageError, match="no ports"):
        as_raw(endpoints, 253)


def test_the_option_is_a_number_or_nothing() -> None:
    seen = []

    @click.command()
    @raw_option
    def verb(raw: int | None) -> None:
        seen.append(raw)

    runner = CliRunner()
    assert runner.invoke(verb, []).exit_code == 0
    assert runner.invoke(verb, ["--raw", "253"]).exit_code == 0
    assert runner.invoke(verb, ["--raw", "-1"]).exit_code == 2
    assert seen == [None, 253]
