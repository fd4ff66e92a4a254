import shlex
import shutil
import subprocess

import pytest

from mcast_tui.wire.address import parse_endpoint
from mcast_tui.wire.place import Place, parse_places
from mcast_tui.wire.socat.address import CommandAddress
from mcast_tui.wire.socat.line import (
    INTERFACE,
    OWN_ADDRESS,
    answering,
    asking,
    listening,
    peer_command,
    sending,
)
from mcast_tui.wire.socat.parse import parse_socat


def command(text, local=None):
    return peer_command(parse_endpoint(text), local)


@pytest.mark.parametrize(
    ("text", "local", "options"),
    [
        ("224.1.0.1", "10.0.0.2", "224.1.0.1:10.0.0.2,ip-multicast-if=10.0.0.2"),
        ("224.1.0.1%eth0", None, "224.1.0.1:eth0,so-bindtodevice=eth0"),
        ("224.1.0.1%eth0", "wlan0", "224.1.0.1:wlan0,so-bindtodevice=wlan0"),
        ("10.0.0.1,224.1.0.1", "2", "224.1.0.1:2,range=10.0.0.1/32"),
    ],
)
def test_a_peer_of_an_ipv4_group_is_told_the_line_to_run(text, local, options):
    expected = f"socat STDIO UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,ip-add-membership={options}"
    assert command(text, local) == expected


@pytest.mark.parametrize(
    ("text", "local", "options"),
    [
        ("[ff02::42%eth0]", None, "[ff02::42%eth0]:6666,bind=:6666,ipv6-join-group=[ff02::42]:eth0"),
        ("ff35::42", "2", "[ff35::42]:6666,bind=:6666,ipv6-join-group=[ff35::42]:2"),
        (
            "fd00::1,[ff35::42]:7",
            "eth0",
            "[ff35::42]:7,bind=:7,ipv6-join-group=[ff35::42]:eth0,range=[fd00::1]/128,so-bindtodevice=eth0",
        ),
        ("[fe80::1%eth0]:7", None, "[fe80::1%eth0]:7,bind=:7"),
    ],
)
def test_a_peer_of_an_ipv6_group_is_told_the_line_to_run(text, local, options):
    assert command(text, local) == f"socat STDIO 'UDP6-DATAGRAM:{options}'"


def test_a_peer_of_a_broadcast_address_is_told_to_permit_it():
    everyone = "socat STDIO UDP4-DATAGRAM:255.255.255.255:6666,bind=:6666,broadcast"
    assert command("broadcast") == everyone
    assert command("broadcast", "eth0") == f"{everyone},so-bindtodevice=eth0"
    assert command("192.168.10.255:7").endswith("192.168.10.255:7,bind=:7,broadcast")


def test_what_only_the_peer_knows_is_a_placeholder_until_it_is_given():
    assert OWN_ADDRESS in command("224.1.0.1")
    assert OWN_ADDRESS not in command("224.1.0.1", "10.0.0.1")
    assert INTERFACE in command("ff02::1")
    assert INTERFACE in command("ff15::42", "fd00::1")
    assert INTERFACE not in command("ff15::42", "eth0")


def test_an_interface_with_a_shell_in_its_name_stays_one_word():
    line = command("224.1.0.1", "$(reboot)")
    [*_, address] = shlex.split(line)
    assert line == f"socat STDIO {shlex.quote(address)}"
    assert parse_socat(address).device == "$(reboot)"


@pytest.mark.skipif(shutil.which("socat") is None, reason="needs the package socat")
@pytest.mark.parametrize(
    ("text", "local"), [("224.1.0.1", "127.0.0.1"), ("224.1.0.1%lo", None), ("127.255.255.255", None)]
)
def test_socat_runs_the_line_and_hears_itself(text, local):
    line = command(text, local)
    ended = subprocess.run(["sh", "-c", line], input=b"hello\n", capture_output=True, timeout=20, check=False)
    assert (ended.stdout, ended.stderr) == (b"hello\n", b"")


HOSTNAME = CommandAddress("", None, "cat >/dev/null; hostname")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (listening, "-u UDP4-RECV:6666,ip-add-membership=224.1.0.1:eth0,reuseaddr STDIO"),
        (sending, "-u STDIO UDP4-DATAGRAM:224.1.0.1:6666,bind=:6666,so-bindtodevice=eth0"),
        (asking, "STDIO UDP4-DATAGRAM:224.1.0.1:6666,so-bindtodevice=eth0"),
    ],
)
def test_each_thing_one_of_us_does_has_its_line(line, words):
    assert line(Place(parse_endpoint("224.1.0.1%eth0"))) == f"socat {words}"


def test_a_server_s_line_reads_its_input_so_that_socat_does_not_lose_the_answer():
    line = answering(Place(parse_endpoint("broadcast:7")), HOSTNAME)
    [*_, receiver, command] = shlex.split(line)
    assert receiver == "UDP4-RECVFROM:7,reuseaddr,fork"
    assert parse_socat(command).shell == "cat >/dev/null; hostname"


@pytest.mark.parametrize(
    "text",
    [
        "UDP4-DATAGRAM:224.1.0.1:7,bind=:7,range=10.0.0.0/8,sourceport=9,ip-multicast-ttl=4,ip-multicast-loop=0",
        "IP4-DATAGRAM:224.1.0.1:253,ip-add-membership=224.1.0.1:eth0",
        "UDP6-RECV:7,ipv6-join-group=[ff15::42]:eth0,range=[fd00::]/16",
    ],
)
def test_a_line_says_the_terms_of_the_place(text):
    [place] = parse_places(text)
    heard = parse_socat(shlex.split(listening(place, "eth0"))[-2])
    assert (heard.ranges, heard.source_port) == (place.ranges, place.source_port)
    sent = parse_socat(shlex.split(sending(place, "eth0"))[-1])
    assert (sent.hop_limit, sent.loop, sent.protocol) == (
        place.hop_limit,
        place.loop,
        place.endpoint.protocol,
    )
