"""Packet sockets (``packet(7)``) that only listen: one for an interface, its ring of frames, what reaches it.

The numbers are Linux's (``linux/if_packet.h``, ``linux/filter.h``). By default the socket's filter lets
through what is multicast or broadcast, by its Ethernet address or its IP address: some switches and access
points send a group's packets to each member's own MAC address. Nothing is ever sent.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import shlex
import shutil
import socket
import struct
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, describe_errno
from mcast_tui.net import sockopt
from mcast_tui.net.refusals import refuse_gone
from mcast_tui.wire.tpacket import FRAME_SIZE, RESERVE, FrameRing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcast_tui.net.interfaces import Interface

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_RX_RING = 5
PACKET_STATISTICS = 6
PACKET_VERSION = 10
PACKET_RESERVE = 12
PACKET_MR_PROMISC, PACKET_MR_ALLMULTI = 1, 2
TPACKET_V2 = 1
ETH_P_ALL = 3
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772

SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFINDEX = 0x8913, 0x8927, 0x8933  # netdevice(7)
_IFREQ_INDEX = struct.Struct("@16si20x")
_IFREQ_NAME = struct.Struct("@16sH22x")
_IFF_UP = 0x1

BLOCK_SIZE = 27 * mmap.PAGESIZE
"""Octets the kernel allocates at a time, so many whole pages that frames fill them. It looks for 32 that lie
together, which a larger piece may not find."""

TAP_COMMAND = "sudo mcast-tui tap"
"""What the privileged tap is called."""

# Classic BPF; jumps, if true and if not, are counted from the step after.
_LOAD_BYTE, _LOAD_SHORT, _LOAD_WORD = 0x30, 0x28, 0x20
_AND, _JUMP_IF_EQUAL, _JUMP_IF_SET, _RETURN = 0x54, 0x15, 0x45, 0x06
_NETWORK_HEADER = 0xFFF0_0000  # SKF_NET_OFF
_IPV4, _IPV6, _TAG, _OUTER_TAG, _OLD_OUTER_TAG = 0x0800, 0x86DD, 0x8100, 0x88A8, 0x9100

_IP_OR_TAGGED: tuple[sockopt.FilterStep, ...] = (
    (_LOAD_SHORT, 0, 0, 12),
    (_JUMP_IF_EQUAL, 5, 0, _IPV4),
    (_JUMP_IF_EQUAL, 4, 0, _IPV6),
    (_JUMP_IF_EQUAL, 3, 0, _TAG),
    (_JUMP_IF_EQUAL, 2, 0, _OUTER_TAG),
    (_JUMP_IF_EQUAL, 1, 0, _OLD_OUTER_TAG),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 0xFFFF_FFFF),
)
_TO_MANY: tuple[sockopt.FilterStep, ...] = (
    (_LOAD_SHORT, 0, 0, 12),
    (_JUMP_IF_EQUAL, 5, 0, _IPV4),
    (_JUMP_IF_EQUAL, 8, 0, _IPV6),
    (_JUMP_IF_EQUAL, 9, 0, _TAG),
    (_JUMP_IF_EQUAL, 8, 0, _OUTER_TAG),
    (_JUMP_IF_EQUAL, 7, 0, _OLD_OUTER_TAG),
    (_RETURN, 0, 0, 0),
    (_LOAD_WORD, 0, 0, _NETWORK_HEADER + 16),  # destination, RFC 791
    (_JUMP_IF_EQUAL, 7, 0, 0xFFFF_FFFF),
    (_AND, 0, 0, 0xF000_0000),
    (_JUMP_IF_EQUAL, 5, 2, 0xE000_0000),
    (_LOAD_BYTE, 0, 0, _NETWORK_HEADER + 24),  # destination, RFC 8200
    (_JUMP_IF_EQUAL, 3, 0, 0xFF),
    (_LOAD_BYTE, 0, 0, 0),
    (_JUMP_IF_SET, 1, 0, 1),  # the group bit of the destination MAC address
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, 0xFFFF_FFFF),
)

_MAY_BE_CONTROL: tuple[sockopt.FilterStep, ...] = (
    (_LOAD_SHORT, 0, 0, 12),
    (_JUMP_IF_EQUAL, 0, 2, _IPV4),
    (_LOAD_BYTE, 0, 0, _NETWORK_HEADER + 9),
    (_JUMP_IF_EQUAL, 3, 4, 2),  # IGMP
    (_JUMP_IF_EQUAL, 0, 3, _IPV6),
    (_LOAD_BYTE, 0, 0, _NETWORK_HEADER + 6),
    (_JUMP_IF_EQUAL, 0, 1, 0),  # a hop-by-hop header, which all MLD has: RFC 3810 section 5
    (_RETURN, 0, 0, 1),
    (_RETURN, 0, 0, 0),
)


class Sockets(NamedTuple):
    """Two packet sockets that hear nothing yet. To open them takes a privilege; to use them takes none."""

    ring: socket.socket
    """It will share a ring of frames with us."""
    bell: socket.socket
    """It will be readable once IGMP or MLD may lie in the ring, which only tells that something does."""

    def close(self) -> None:
        for sock in self:
            sock.close()


def open_sockets() -> Sockets:
    """Open both; raise `McastError` where the kernel refuses either, and then leave none."""
    with ExitStack() as opened:
        try:
            sockets = Sockets(opened.enter_context(_open()), opened.enter_context(_open()))
        except PermissionError as error:
            raise refuse_tap(error) from error
        except OSError as error:
            reason = describe_errno(error.errno or 0)
            raise NetworkRefused("open a packet socket", reason, errno=error.errno) from error
        opened.pop_all()
    return sockets


class PacketSocket:
    """One interface tapped: its sockets and its ring of frames, which lives until `close`."""

    def __init__(self, sockets: Sockets, interface: Interface, frames: int, *, is_promiscuous: bool) -> None:
        """Raise `McastError` where the kernel refuses; then the sockets may be tried again."""
        self.interface = interface
        self.refused: McastError | None = None
        """Why it hears nothing now: the interface is down, or gone; None while it listens."""
        self.is_gone = False
        """What it was bound to is no more; it takes the next interface that has the same name."""
        self._is_promiscuous = is_promiscuous
        self._statistics = [0, 0]
        self._socket, self.bell = sockets
        try:
            self._require_ethernet()
            self._prepare(frames)
            self._listen()
            size = frames * FRAME_SIZE
            self._memory = mmap.mmap(self.fileno(), size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        except OSError as error:
            with suppress(OSError):
                self._set_option(PACKET_RX_RING, bytes(16))
            raise _refuse(error, interface) from error
        self.ring = FrameRing(self._memory, frames)

    def fileno(self) -> int:
        return self._socket.fileno()

    def _require_ethernet(self) -> None:
        if not _is_ethernet(self._socket, self.interface):
            raise NetworkRefused(
                f"tap {self.interface.name}", "it is no Ethernet", remedy="Tap the interface below it."
            )

    def _prepare(self, frames: int) -> None:
        self._set_option(PACKET_VERSION, struct.pack("@i", TPACKET_V2))
        self._set_option(PACKET_RESERVE, struct.pack("@I", RESERVE))
        blocks = frames * FRAME_SIZE // BLOCK_SIZE
        self._set_option(PACKET_RX_RING, struct.pack("@4I", BLOCK_SIZE, blocks, FRAME_SIZE, frames))
        sockopt.attach_filter(self._socket, _IP_OR_TAGGED if self._is_promiscuous else _TO_MANY)
        sockopt.attach_filter(self.bell, _MAY_BE_CONTROL)
        self.bell.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # the least, which is a few frames

    def _listen(self) -> None:
        """Bind to the interface, which needs no privilege, and have it take in every group."""
        # The kernel serves the younger one first: when the bell rings, the frame lies in the ring.
        self.bell.bind((self.interface.name, ETH_P_ALL))
        self._socket.bind((self.interface.name, ETH_P_ALL))
        kind = PACKET_MR_PROMISC if self._is_promiscuous else PACKET_MR_ALLMULTI
        self._set_option(PACKET_ADD_MEMBERSHIP, struct.pack("@iHH8x", self.interface.index, kind, 0))

    def _set_option(self, number: int, value: bytes) -> None:
        self._socket.setsockopt(SOL_PACKET, number, value)

    def check(self) -> None:
        """Look whether the interface is up, down, renamed or gone, or has come again; set `refused`."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # told once, as ENETDOWN
        try:
            bound = self._socket.getsockname()[0]
            if self.is_gone or not bound:  # whoever has its index since
                self.is_gone = True
                self._take_successor()
            elif bound != self.interface.name:
                self.interface = replace(self.interface, name=bound)
            request = fcntl.ioctl(self._socket, SIOCGIFFLAGS, _IFREQ_NAME.pack(_name(self.interface), 0))
        except OSError as error:
            name = self.interface.name
            self.refused = refuse_gone(f"tap {name}", name, error.errno or errno.ENODEV)
        except McastError as error:
            self.refused = error
        else:
            is_up = _IFREQ_NAME.unpack(request)[1] & _IFF_UP
            self.refused = None if is_up else _refuse_down(self.interface.name)

    def _take_successor(self) -> None:
        """Listen to the interface that has the name now."""
        request = fcntl.ioctl(self._socket, SIOCGIFINDEX, _IFREQ_INDEX.pack(_name(self.interface), 0))
        self.interface = replace(self.interface, index=_IFREQ_INDEX.unpack(request)[1])
        self._require_ethernet()
        self._listen()
        self.is_gone = False

    def statistics(self) -> tuple[int, int]:
        """Return frames captured and frames dropped for want of room, since it was opened; not thread-safe.

        The kernel begins anew with every question, and counts the dropped among the captured.
        """
        captured, dropped = struct.unpack("@II", self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self._statistics[0] += captured - dropped
        self._statistics[1] += dropped
        return self._statistics[0], self._statistics[1]

    def silence(self) -> None:
        """Have the bell ring anew from now on."""
        with suppress(OSError):  # it has said all, or that the interface is down
            while True:
                self.bell.recv(1)

    def close(self) -> None:
        """Close the sockets and let go of the ring: it captures for as long as anybody looks at it."""
        self._socket.close()
        self.bell.close()
        self.__dict__.pop("ring", None)
        self.__dict__.pop("_memory", None)


def refuse_tap(error: OSError) -> PermissionRefused:
    """Say that a tap is not for everybody, and who may open one for this user."""
    reason = "seeing what the network carries needs a privilege (CAP_NET_RAW)"
    if os.geteuid() == 0:
        return PermissionRefused(
            "tap an interface",
            f"{reason}, which is withheld even from root here",
            errno=error.errno,
            remedy="Start the container or service with it (docker run --cap-add NET_RAW).",
        )
    return PermissionRefused(
        "tap an interface",
        reason,
        errno=error.errno,
        remedy="Start the tap in another terminal: it only captures, and gives up every other privilege.",
        command=tap_command(),
    )


def _open() -> socket.socket:
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)


def tap_command() -> str:
    """Return the line that starts the privileged tap: sudo finds only what lies in the system's folders."""
    found = shutil.which("mcast-tui")
    if found is None:
        return shlex.join(["sudo", sys.executable, "-m", "mcast_tui", "tap"])
    is_found_by_sudo = str(Path(found).parent) in {"/usr/local/bin", "/usr/bin", "/bin"}
    return TAP_COMMAND if is_found_by_sudo else shlex.join(["sudo", found, "tap"])


def _refuse(error: OSError, interface: Interface) -> McastError:
    attempted, number = f"tap {interface.name}", error.errno or 0
    if number == errno.ENODEV:
        return refuse_gone(attempted, interface.name, number)
    if number == errno.ENETDOWN:
        return _refuse_down(interface.name)
    if number == errno.ENOMEM:
        return NetworkRefused(
            attempted,
            "the kernel has no memory for its ring of frames",
            errno=number,
            remedy="Tap fewer interfaces.",
        )
    return NetworkRefused(attempted, describe_errno(number), errno=number)


def _refuse_down(name: str) -> NetworkRefused:
    return NetworkRefused(
        f"tap {name}",
        f"{name} is down",
        errno=errno.ENETDOWN,
        remedy="Switch it on; the tap goes on by itself.",
        command=f"sudo ip link set {shlex.quote(name)} up",
    )


def _name(interface: Interface) -> bytes:
    return os.fsencode(interface.name)


def _is_ethernet(sock: socket.socket, interface: Interface) -> bool:
    request = fcntl.ioctl(sock, SIOCGIFHWADDR, _IFREQ_NAME.pack(_name(interface), 0))
    return _IFREQ_NAME.unpack(request)[1] in {ARPHRD_ETHER, ARPHRD_LOOPBACK}


def tappable(interfaces: Sequence[Interface]) -> tuple[Interface, ...]:
    """Return those a tap opens when none is named: Ethernet, up, able to multicast, not the loopback."""
    able = [each for each in interfaces if each.is_up and each.is_multicast and not each.is_loopback]
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for each in able:
            with suppress(OSError):  # it has gone since it was listed
                if _is_ethernet(sock, each):
                    found.append(each)
    return tuple(found)
