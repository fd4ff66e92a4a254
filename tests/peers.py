"""Programs we did not write, at work on the hosts of a lab: socat as the other side, tcpdump as the witness.

    with socat_peer(lab.host(2)) as peer, tcpdump_on(lab.host(3)) as wire:
        peer.say("hello")                 # socat sends it to 224.1.0.1:6666
        assert peer.hears("hello")        # its own copy: it is a member
        [packet] = wire.packets(1)        # waits for one, returns all so far
        assert packet.payload == b"hello\\n" and packet.hop_limit == 1

Everything is ready when the call returns, and ends with its block, or with the lab. Each wait
has a twin to be awaited, for tests with a running event loop: `wait_until` and `eventually`,
`hears` and `will_hear`, `packets` and `will_see`. A program that is not installed skips the test.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcast_tui.services.lab.host import Host

PATIENCE_S = 30.0
"""How long any test waits for anything; far longer than it takes, so that a busy machine passes."""

DEBIAN_PACKAGES = {
    "socat": "socat",
    "tcpdump": "tcpdump",
    "tshark": "tshark",
    "dumpcap": "wireshark-common",
    "ip": "iproute2",
    "ping": "iputils-ping",
    "nft": "nftables",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "lsns": "util-linux",
    "tmux": "tmux",
    "zsh": "zsh",
    "fish": "fish",
    "man": "man-db",
    "groff": "groff",
    "mandoc": "mandoc",
    "gcc": "gcc",
    "rsvg-convert": "librsvg2-bin",
}


def wait_until(condition: Callable[[], object], wanted: str = "it") -> None:
    """Return once the condition holds; fail the test when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{wanted} did not come about within {PATIENCE_S:.0f} s")
        time.sleep(0.001)


async def eventually(condition: Callable[[], object], wanted: str | Callable[[], str]) -> None:
    """Do as `wait_until`, and let the event loop run meanwhile; `wanted` may be words found at the end."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            what = wanted if isinstance(wanted, str) else wanted()
            pytest.fail(f"{what} did not come about within {PATIENCE_S:.0f} s")
        await asyncio.sleep(0.002)


def requires(*programs: str) -> pytest.MarkDecorator:
    """Skip the test, naming the Debian packages, unless all these programs are installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=_install(missing))


def need(*programs: str) -> None:
    """Skip the running test, naming the Debian packages, unless all these programs are installed."""
    if missing := [program for program in programs if shutil.which(program) is None]:
        pytest.skip(_install(missing))


def _install(programs: list[str]) -> str:
    packages = sorted({DEBIAN_PACKAGES.get(program, program) for program in programs})
    return f"needs {', '.join(programs)}: apt install {' '.join(packages)}"


class Output:
    """What a program has written to a pipe so far. A thread takes it in: the program never waits for us."""

    def __init__(self, pipe: IO[bytes], name: str) -> None:
        self.name = name
        self.ended = False
        self._data = bytearray()
        self._news = threading.Condition()
        # Its own descriptor: the pipe object may be closed, and its number given away, at any time.
        threading.Thread(target=self._take_in, args=[os.dup(pipe.fileno())], name=name, daemon=True).start()

    def _take_in(self, descriptor: int) -> None:
        while chunk := os.read(descriptor, 1 << 16):
            with self._news:
                self._data += chunk
                self._news.notify_all()
        os.close(descriptor)
        with self._news:
            self.ended = True
            self._news.notify_all()

    @property
    def data(self) -> bytes:
        return self.since(0)

    def since(self, offset: int) -> bytes:
        """Return what was written from byte `offset` on."""
        with self._news:
            return bytes(self._data[offset:])

    def wait(self, holds: Callable[[], bool], wanted: str) -> None:
        """Return once `holds()` is true of what was written; fail the test when it never is."""
        with self._news:
            self._news.wait_for(lambda: holds() or self.ended, PATIENCE_S)
            if not holds():
                how = "ended" if self.ended else f"said nothing more for {PATIENCE_S:.0f} s"
                pytest.fail(f"{self.name} {how} without {wanted}; so far: {self.data[-2000:]!r}")

    async def awaited(self, holds: Callable[[], bool], wanted: str) -> None:
        """Do as `wait`, and let the event loop run meanwhile."""
        await asyncio.to_thread(self.wait, holds, wanted)


class Program:
    """A program on a host, its three streams at hand; a context manager that ends it."""

    def __init__(self, host: Host, argv: list[str]) -> None:
        need(argv[0])
        self.host = host
        self.process = host.popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self.output = Output(self.process.stdout, f"{argv[0]} on {host.name}")
        self.errors = Output(self.process.stderr, f"{argv[0]} on {host.name} (stderr)")

    def write(self, data: bytes) -> None:
        """Give the program bytes on its standard input, in one write."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def ended(self) -> int:
        """Wait for its end and for the last it wrote; return the exit status."""
        status: int = self.process.wait(PATIENCE_S)
        for stream in (self.output, self.errors):
            stream.wait(lambda stream=stream: stream.ended, "its end")
        return status

    def close(self) -> None:
        """End the program; again is harmless."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Socat(Program):
    """A socat with STDIO at one end: what it is told goes to the wire, what it hears comes out."""

    def say(self, line: str) -> None:
        """Type a line; socat sends it with its newline as one datagram."""
        self.write(line.encode() + b"\n")

    @property
    def lines(self) -> list[str]:
        """Every whole line heard so far."""
        return self.output.data.decode(errors="surrogateescape").split("\n")[:-1]

    def hears(self, text: str, times: int = 1) -> bool:
        """Wait until `times` lines that contain `text` have been heard; fail the test if they do not come."""
        self.output.wait(lambda: self._count(text) >= times, f"{times} of {text!r}")
        return True

    async def will_hear(self, text: str, times: int = 1) -> bool:
        """Do as `hears`, and let the event loop run meanwhile."""
        await self.output.awaited(lambda: self._count(text) >= times, f"{times} of {text!r}")
        return True

    def _count(self, text: str) -> int:
        return sum(text in line for line in self.lines)


def socat(host: Host, *addresses: str) -> Socat:
    """Start ``socat ADDRESS ADDRESS`` on a host; its sockets are open and joined when this returns."""
    program = Socat(host, ["socat", "-d", "-d", *addresses])
    talk = program.errors
    ready = (b"starting data transfer loop", b"receiving on", b"receiving IP protocol")
    talk.wait(lambda: any(words in talk.data for words in ready), "being ready")
    return program


def socat_peer(host: Host, group: str = "224.1.0.1", port: int = 6666, *options: str) -> Socat:
    """Start the tutorial's multicast peer (example 3), its IPv6 twin, or for ``broadcast`` or a
    broadcast address its broadcast peer (example 4). `options` are further socat options.
    """
    where = "255.255.255.255" if group == "broadcast" else group
    address = ip_address(where)
    if address.version == 6:
        scoped = f"%{host.interface}" if address.is_link_local or where.startswith("ff02") else ""
        kind = f"UDP6-DATAGRAM:[{where}{scoped}]:{port}"
        own = (f"bind=[::]:{port}", f"ipv6-join-group=[{where}]:{host.interface}")
    elif address.is_multicast:
        kind = f"UDP4-DATAGRAM:{where}:{port}"
        own = (f"bind=:{port}", "range=192.168.10.0/24", f"ip-add-membership={where}:{host.address4}")
    else:
        kind = f"UDP4-DATAGRAM:{where}:{port}"
        own = (f"bind=:{port}", "range=192.168.10.0/24", "broadcast")
    return socat(host, "STDIO", ",".join((kind, *own, *options)))


@dataclass(frozen=True)
class Seen:
    """A UDP datagram as a program we did not write captured and decoded it, whole again when fragmented."""

    source: IPv4Address | IPv6Address
    source_port: int
    destination: IPv4Address | IPv6Address
    destination_port: int
    hop_limit: int
    traffic_class: int
    length: int
    """Of the payload."""
    payload: bytes
    at: float
    """Seconds since the epoch."""


class Capture(Program):
    """A running capture: packets as pcap on its standard output, decoded by tshark on demand."""

    HEADER, RECORD = 24, struct.Struct("=8xI4x")  # pcap-savefile(5)

    def __init__(self, host: Host, argv: list[str]) -> None:
        super().__init__(host, argv)
        self._frames, self._whole = 0, self.HEADER  # counted so far, and the byte after them

    def frames(self) -> int:
        """Return how many frames have been captured so far."""
        data, start = self.output.since(self._whole), 0
        while (body := start + 16) <= len(data):
            end = body + self.RECORD.unpack_from(data, start)[0]
            if end > len(data):
                break
            self._frames, start = self._frames + 1, end
        self._whole += start
        return self._frames

    def packets(self, at_least: int = 0, *, until: bytes = b"") -> list[Seen]:
        """Wait for `at_least` frames and for a frame with the bytes `until`; return all datagrams so far."""
        self.output.wait(lambda: self._has(at_least, until), f"{at_least} frames and {until!r}")
        return self._datagrams()

    async def will_see(self, at_least: int = 0, *, until: bytes = b"") -> list[Seen]:
        """Do as `packets`, and let the event loop run meanwhile."""
        await self.output.awaited(lambda: self._has(at_least, until), f"{at_least} frames and {until!r}")
        return await asyncio.to_thread(self._datagrams)

    def _has(self, at_least: int, until: bytes) -> bool:
        return self.frames() >= at_least and (not until or until in self.output.data[: self._whole])

    def fields(
        self, *names: str, only: str = "frame", at_least: int = 0, decode_as: str = ""
    ) -> list[tuple[str, ...]]:
        """Return these tshark fields of each frame that passes the display filter `only`; "" where absent.

        A field that occurs several times in a frame has its values joined by ``|``. `decode_as` is
        tshark's ``-d``: ``udp.port==5004,rtp``. Waits for `at_least` frames first.
        """
        need("tshark")
        self.output.wait(lambda: self.frames() >= at_least, f"{at_least} frames")
        return self._fields(*names, only=only, occurrences="a", decode_as=decode_as)

    def _fields(self, *names: str, only: str, occurrences: str, decode_as: str = "") -> list[tuple[str, ...]]:
        asked = [part for name in names for part in ("-e", name)]
        style = ["-d", decode_as] if decode_as else []
        style += ["-E", "separator=/t", "-E", f"occurrence={occurrences}", "-E", "aggregator=|"]
        decoded = subprocess.run(
            ["tshark", "-n", "-r", "-", "-Y", only, "-T", "fields", *style, *asked],
            input=self.output.data, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        return [tuple(line.split("\t")) for line in decoded.stdout.decode().splitlines()]

    def _datagrams(self) -> list[Seen]:
        need("tshark")
        names = (
            "ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport", "ip.ttl", "ipv6.hlim",
            "ip.dsfield", "ipv6.tclass", "udp.payload", "frame.time_epoch",
        )  # fmt: skip
        rows = self._fields(*names, only="udp && !icmp && !icmpv6", occurrences="f")
        return [_seen(*row) for row in rows]


def _seen(
    src4: str, src6: str, sport: str, dst4: str, dst6: str, dport: str,
    ttl: str, hlim: str, tos: str, tclass: str, payload: str, at: str,
) -> Seen:  # fmt: skip
    data = bytes.fromhex(payload)
    source, destination = ip_address(src4 or src6), ip_address(dst4 or dst6)
    hop_limit, traffic_class = int(ttl or hlim), int(tos or tclass, 0)
    return Seen(
        source, int(sport), destination, int(dport), hop_limit, traffic_class, len(data), data, float(at)
    )


def tcpdump_on(host: Host, expression: str = "udp", interface: str | None = None) -> Capture:
    """Start a capture of what passes the host's interface; it is capturing when this returns.

    tcpdump does it; in a user namespace, where tcpdump insists on a user it cannot become, dumpcap.
    """
    device = interface or host.interface
    if Path("/proc/self/setgroups").read_text().strip() == "deny":
        argv = ["dumpcap", "-q", "-P", "-i", device, "-w", "-", "-f", expression]
    else:
        argv = ["tcpdump", "-Z", "root", "-U", "--immediate-mode", "-n", "-i", device, "-w", "-", expression]
    capture = Capture(host, argv)
    capture.output.wait(lambda: len(capture.output.data) >= Capture.HEADER, "a pcap header")
    return capture
