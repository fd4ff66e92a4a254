"""``mcast-tui send`` against the real socat, and every refusal a user can cause, with its status."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.cli.commands import COMMAND, main_on, run_on
from tests.peers import requires, socat, socat_peer, tcpdump_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.lan import Host, Lab

pytestmark = pytest.mark.usefixtures("shared_lab")

CHAT = "224.1.0.1%eth0:6666"


def test_each_text_is_one_datagram_and_a_newline(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        done = main_on(host1, "send", CHAT, "one", "", "drei über")
        seen = wire.packets(3)
    assert done.returncode == 0
    assert [packet.payload for packet in seen] == [b"one\n", b"\n", "drei über\n".encode()]
    assert {packet.source_port for packet in seen} == {6666}
    assert {packet.hop_limit for packet in seen} == {1}
    assert done.stdout == ""
    assert done.stderr.count("sent ") == 3


def test_each_line_of_standard_input_is_one_datagram(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        run_on(host1, "send", CHAT, stdin="first\nsecond\nlast without end")
        seen = wire.packets(3)
    assert [packet.payload for packet in seen] == [b"first\n", b"second\n", b"last without end\n"]


def test_socat_prints_what_is_sent(host1: Host, host2: Host) -> None:
    with socat_peer(host2) as peer:
        main_on(host1, "send", CHAT, "hello, socat")
        assert peer.hears("hello, socat")


def test_the_ttl_and_the_port_are_as_asked(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        main_on(host1, "send", CHAT, "far", "--ttl", "7", "--source-port", "7777", "-n")
        [seen] = wire.packets(1)
    assert (seen.hop_limit, seen.source_port, seen.payload) == (7, 7777, b"far")


def test_without_loop_this_host_does_not_hear_it_and_others_do(host1: Host, host2: Host) -> None:
    with socat_peer(host1, "224.1.0.1", 6666, "reuseaddr") as here, socat_peer(host2) as there:
        main_on(host1, "send", CHAT, "not looped", "--no-loop")
        assert there.hears("not looped")
        main_on(host1, "send", CHAT, "looped")
        assert here.hears("looped")
        assert [line for line in here.lines if "not looped" in line] == []


def test_broadcast_and_unicast_reach_socat(host1: Host, host2: Host) -> None:
    with socat_peer(host2, "broadcast") as peer:
        for address in ("broadcast%eth0:6666", "192.168.10.255:6666", "192.168.10.2:6666"):
            assert main_on(host1, "send", address, f"by {address}").returncode == 0
            assert peer.hears(f"by {address}")


def test_a_run_of_groups_gets_one_each(host1: Host, host2: Host) -> None:
    with tcpdump_on(host2) as wire:
        main_on(host1, "send", "239.1.1.1%eth0:5000+2", "x")
        seen = wire.packets(3)
    assert [str(packet.destination) for packet in seen] == ["239.1.1.1", "239.1.1.2", "239.1.1.3"]


def test_a_group_port_that_another_program_keeps_is_done_without(host1: Host, host2: Host) -> None:
    with socat_peer(host1), tcpdump_on(host2) as wire:  # without reuseaddr: the port is its own
        done = main_on(host1, "send", CHAT, "from elsewhere")
        seen = wire.packets(1)
    assert done.returncode == 0
    assert seen[0].source_port != 6666
    assert "port 6666 is not to be had here" in done.stderr


@pytest.mark.own_lab
def test_what_is_set_for_groups_holds_where_no_option_says_otherwise(host1: Host, host2: Host) -> None:
    settings = {"MCAST_TUI_INTERFACE": "eth0", "MCAST_TUI_HOP_LIMIT": "9"}
    host1.run(["ip", "route", "flush", "table", "main"])  # so that only the setting can tell the interface
    with tcpdump_on(host2) as wire:
        for options in ([], ["--ttl", "5"]):
            host1.run([*COMMAND, "send", "224.1.0.1:6666", "x", *options], env=os.environ | settings)
        seen = wire.packets(2)
    assert [packet.hop_limit for packet in seen] == [9, 5]


# -- what the kernel refuses, each with its words, its remedy and its status


def test_no_route_names_the_line_that_adds_one(make_lab: Callable[..., Lab]) -> None:
    done = main_on(make_lab(1, routes="none").host(1), "send", "224.1.0.1:6666", "x")
    assert done.returncode == 4
    assert "ENETUNREACH" in done.stderr
    assert "ip route add 224.0.0.0/4 dev eth0" in done.stderr


def test_an_interface_that_does_not_exist_is_a_usage_error(host1: Host) -> None:
    for verb in (["send", "224.1.0.1%eth7:6666", "x"], ["listen", "224.1.0.1%eth7:6666"]):
        done = main_on(host1, *verb)
        assert done.returncode == 2
        assert "eth7" in done.stderr
        assert "eth0" in done.stderr


def test_a_port_in_use_names_who_has_it(host1: Host) -> None:
    with socat(host1, "-u", "UDP4-RECV:6666", "STDIO") as holder:
        done = main_on(host1, "listen", CHAT)
    assert done.returncode == 4
    assert "EADDRINUSE" in done.stderr
    assert f"socat (process {holder.process.pid})" in done.stderr


@requires("setpriv")
def test_a_port_below_1024_needs_a_privilege(host1: Host) -> None:
    without_privilege = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--"]
    done = host1.run([*without_privilege, *COMMAND, "listen", "224.1.0.1%eth0:123"], check=False)
    assert done.returncode == 3
    assert "ip_unprivileged_port_start" in done.stderr


def test_70000_bytes_are_refused_with_the_number_that_would_fit(host1: Host) -> None:
    done = run_on(host1, "send", CHAT, stdin="x" * 70_000)
    assert done.returncode != 0
    assert "65507" in done.stderr.replace(" ", "")


@pytest.mark.own_lab
def test_an_interface_that_is_down_says_so(host1: Host) -> None:
    host1.run(["ip", "link", "set", "eth0", "down"])
    done = main_on(host1, "send", CHAT, "x")
    assert done.returncode == 4
    assert "down" in done.stderr
    assert "ip link set eth0 up" in done.stderr


@requires("nft")
@pytest.mark.own_lab
def test_a_firewall_that_drops_output_is_named(host1: Host) -> None:
    rules = "table inet t { chain o { type filter hook output priority 0; udp dport 6666 drop; }; }"
    host1.run(["nft", rules])
    done = main_on(host1, "send", CHAT, "x")
    assert done.returncode in {3, 4}
    assert "firewall" in done.stderr
    assert "EPERM" in done.stderr


@pytest.mark.parametrize("endpoint", ["224.1.0.1:0", "224.1.0.1:65536", "nonsense", "", "224.1.0.1\0"])
def test_nonsense_is_refused_before_anything_is_sent(host1: Host, endpoint: str) -> None:
    if "\0" in endpoint:
        endpoint = endpoint.replace("\0", "\u2400")  # execve(2) takes no NUL
    done = main_on(host1, "send", endpoint, "x")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_closed_standard_input_sends_nothing(host1: Host) -> None:
    done = run_on(host1, "send", CHAT, stdin=None)
    assert done.returncode == 0
    assert done.stderr == ""
