"""What each kind of socket hears, and what the kernel says when it cannot be opened."""

from __future__ import annotations

import os
import resource
import select
import socket
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import pytest

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, UsageError
from mcast_tui.net import sockopt
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.membership import Membership
from mcast_tui.net.ports import has_link_scope, open_ephemeral, open_group, open_port, raise_file_limit
from mcast_tui.net.sender import SendOptions, send_datagram
from tests.peers import PATIENCE_S, need, socat

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Host

GROUP, OTHER = IPv4Address("239.1.1.1"), IPv4Address("239.1.1.2")
GROUP6, LINK_GROUP6 = IPv6Address("ff15::42"), IPv6Address("ff02::4d43")
BUFFER = 1 << 20


def heard(sock: socket.socket, timeout: float = PATIENCE_S) -> bytes | None:
    """Return the next datagram, or None when none comes; a wait for one that must not come is short."""
    ready, _, _ = select.select([sock], [], [], timeout)
    return sock.recv(2048) if ready else None


def send(host: Host, text: str, destination: str) -> None:
    need("socat")
    host.run(["socat", "-u", "-", destination], input=text)


@pytest.mark.parametrize("family", [4, 6])
def test_a_port_is_open_as_the_receiver_needs_it(family: int) -> None:
    with open_port(family, 6666, receive_buffer=BUFFER) as sock:
        option = {
            4: [(0, sockopt.IP_PKTINFO), (0, sockopt.IP_RECVTTL), (0, socket.IP_RECVTOS)],
            6: [(41, socket.IPV6_RECVPKTINFO), (41, socket.IPV6_RECVHOPLIMIT), (41, socket.IPV6_RECVTCLASS)],
        }[family]
        wanted = [*option, (1, sockopt.SO_TIMESTAMPNS), (1, socket.SO_BROADCAST), (1, socket.SO_REUSEADDR)]
        assert all(sock.getsockopt(*each) == 1 for each in wanted)
        every_group = (0, sockopt.IP_MULTICAST_ALL) if family == 4 else (41, sockopt.IPV6_MULTICAST_ALL)
        assert sock.getsockopt(*every_group) == 0
        assert not sock.getblocking()
        assert not os.get_inheritable(sock.fileno())
        assert sockopt.receive_buffer(sock) >= BUFFER


def test_both_families_and_a_second_program_share_a_port() -> None:
    openings = [partial(open_port, 4, 6666), partial(open_port, 6, 6666), partial(open_group, GROUP, 6666)]
    with ExitStack() as stack:
        opened = [stack.enter_context(each(receive_buffer=BUFFER)) for each in openings * 2]
        bound = [sock.getsockname()[:2] for sock in opened]
    assert bound == [("0.0.0.0", 6666), ("::", 6666), (str(GROUP), 6666)] * 2


def test_the_port_hears_unicast_and_broadcasts_but_no_group_another_process_joined(lab, host1, host2) -> None:
    with (
        host1.entered(),
        open_port(4, 6666, receive_buffer=BUFFER) as sock,
        open_group(OTHER, 6666, receive_buffer=BUFFER) as neighbour,
        Membership(neighbour, OTHER, resolve_interface(host1.interface, list_interfaces())),
    ):
        send(host2, "group", f"UDP4-DATAGRAM:{OTHER}:6666,ip-multicast-if={host2.address4}")
        assert heard(neighbour) == b"group"
        assert heard(sock, 0.2) is None
        send(host2, "unicast", f"UDP4-DATAGRAM:{host1.address4}:6666")
        assert heard(sock) == b"unicast"
        send(host2, "directed", "UDP4-DATAGRAM:192.168.10.255:6666,broadcast")
        assert heard(sock) == b"directed"
        through = f"so-bindtodevice={host2.interface}"
        send(host2, "limited", f"UDP4-DATAGRAM:255.255.255.255:6666,broadcast,{through}")
        assert heard(sock) == b"limited"


def test_a_group_socket_hears_its_own_group_only(host1: Host, host2: Host) -> None:
    with host1.entered(), ExitStack() as stack:
        here = resolve_interface(host1.interface, list_interfaces())
        socks = {}
        for group in (GROUP, OTHER, GROUP6, LINK_GROUP6):
            sock = stack.enter_context(open_group(group, 6666, receive_buffer=BUFFER, interface=here))
            stack.enter_context(Membership(sock, group, here))
            socks[group] = sock
        send(host2, "one", f"UDP4-DATAGRAM:{GROUP}:6666,ip-multicast-if={host2.address4}")
        send(host2, "six", f"UDP6-DATAGRAM:[{GROUP6}]:6666,so-bindtodevice={host2.interface}")
        send(host2, "link", f"UDP6-DATAGRAM:[{LINK_GROUP6}%{host2.interface}]:6666")
        send(host2, "unicast", f"UDP4-DATAGRAM:{host1.address4}:6666")
        assert [heard(socks[group]) for group in (GROUP, GROUP6, LINK_GROUP6)] == [b"one", b"six", b"link"]
        assert all(heard(sock, 0.1) is None for sock in socks.values())


@pytest.mark.parametrize("group", [GROUP, GROUP6, LINK_GROUP6])
def test_one_group_on_two_interfaces_is_heard_on_each_by_its_own_socket(group, make_lab) -> None:
    """IPV6_MULTICAST_ALL=0 alone does not keep the interfaces apart."""
    host = make_lab(1).host(1)
    for command in ("link add va type veth peer name vb", "link set va up", "link set vb up"):
        host.run(["ip", *command.split()])
    with host.entered(), ExitStack() as stack:
        known = list_interfaces()
        here, there = resolve_interface(host.interface, known), resolve_interface("va", known)
        socks = {}
        for where in (here, there):
            sock = stack.enter_context(open_group(group, 6666, receive_buffer=BUFFER, interface=where))
            stack.enter_context(Membership(sock, group, where))
            socks[where] = sock
        sender = stack.enter_context(open_port(group.version, 7777, receive_buffer=BUFFER))
        send_datagram(sender, b"here", group, 6666, SendOptions(ifindex=here.index))
        assert heard(socks[here]) == b"here"
        assert heard(socks[there], 0.2) is None


def test_a_link_local_group_without_an_interface_is_refused_with_the_right_spelling() -> None:
    with pytest.raises(UsageError, match=r"needs an interface.*Write it as ff02::4d43%lo"):
        open_group(LINK_GROUP6, 6666, receive_buffer=BUFFER)


@pytest.mark.parametrize(
    ("address", "expected"),
    [("fe80::1", True), ("ff02::1", True), ("ff01::1", True), ("ff12::1", True), ("ff32::1", True),
     ("ff05::1", False), ("ff15::42", False), ("ff3e::1", False), ("2001:db8::1", False), ("::1", False)],
)  # fmt: skip
def test_link_scope_is_read_from_the_scope_field(address: str, expected: bool) -> None:
    assert has_link_scope(IPv6Address(address)) is expected


def test_an_ephemeral_port_is_nobody_elses() -> None:
    with open_ephemeral(4) as sock:
        port = sock.getsockname()[1]
        assert port >= 1024
        with pytest.raises(NetworkRefused, match=f"holds UDP port {port} and does not share it"):
            open_port(4, port, receive_buffer=BUFFER)


def test_a_port_in_use_names_the_process_that_holds_it(host1: Host) -> None:
    with socat(host1, "-u", "UDP4-RECV:6666", "STDOUT") as holder, host1.entered():
        with pytest.raises(NetworkRefused) as refused:
            open_port(4, 6666, receive_buffer=BUFFER)
        assert f"socat (process {holder.process.pid}) holds UDP port 6666" in refused.value.reason
        assert refused.value.command == "sudo ss -lunp 'sport = :6666'"


def test_a_port_in_use_by_somebody_who_cannot_be_seen_is_still_refused(monkeypatch) -> None:
    monkeypatch.setattr("mcast_tui.net.port_holder._open_files", lambda pid: set())
    with open_ephemeral(6) as sock, pytest.raises(NetworkRefused, match="another program holds UDP port"):
        open_port(6, sock.getsockname()[1], receive_buffer=BUFFER)


def test_a_privileged_port_is_a_matter_of_permission() -> None:
    script = (
        "from mcast_tui.errors import McastError\n"
        "from mcast_tui.net.ports import open_port\n"
        "try: open_port(4, 80, receive_buffer=1)\n"
        "except McastError as error: print(error.exit_status, error)\n"
    )
    need("setpriv")
    unprivileged = ["setpriv", "--bounding-set=-net_bind_service", sys.executable, "-c", script]
    said = subprocess.run(unprivileged, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"{PermissionRefused.exit_status} Cannot open 0.0.0.0:80: ports below 1024")
    assert "Try: sudo sysctl net.ipv4.ip_unprivileged_port_start=80" in said.stdout


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_an_impossible_port_is_a_usage_error(port: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 65535"):
        open_port(4, port, receive_buffer=BUFFER)


def test_a_foreign_address_cannot_be_bound() -> None:
    with pytest.raises(NetworkRefused, match=r"10\.1\.2\.3 is not an address of this host"):
        open_group(ip_address("10.1.2.3"), 6666, receive_buffer=BUFFER)


def test_a_link_local_group_on_an_interface_that_is_gone_says_so(host1: Host) -> None:
    with host1.entered():
        here = resolve_interface(host1.interface, list_interfaces())
        host1.run(["ip", "link", "delete", here.name])
        with pytest.raises(NetworkRefused, match=f"{here.name} is gone"):
            open_group(LINK_GROUP6, 6666, receive_buffer=BUFFER, interface=here)


def test_too_many_open_files_is_said_and_nothing_leaks() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(McastError, match="as many files open as it may"):
            open_port(4, 6666, receive_buffer=BUFFER)
        assert raise_file_limit() == hard
        open_port(4, 6666, receive_buffer=BUFFER).close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_receive_buffer_says_what_the_kernel_gave_not_what_was_asked() -> None:
    with open_port(4, 6666, receive_buffer=1) as sock:
        assert sockopt.receive_buffer(sock) > 1
        assert sockopt.set_receive_buffer(sock, 1 << 40) <= 2 * sockopt.LARGEST_RECEIVE_BUFFER
