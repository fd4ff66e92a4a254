"""The demo's LAN: we are host1, and three other hosts talk.

    host2   a person in the chat, a printer's mDNS announcements
    host3   a stream of 200 packets/s, a backup that broadcasts, a media server's SSDP notices
    host4   a peer whose text tries to break the terminal

Where namespaces are forbidden the same peers talk on the loopback interface, from 127.0.0.2,
.3 and .4: they send by ``lo`` only, so nothing leaves the machine there either.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from mcast_tui.services.lab.lan import Lab
from mcast_tui.services.lab.namespace import enter_private_network, isolation_refused, python_command
from mcast_tui.wire.address import LIMITED_BROADCAST, Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcast_tui.errors import McastError
    from mcast_tui.services.lab.host import Host

INHABITANTS = {2: ("person", "mdns"), 3: ("stream", "broadcaster", "ssdp"), 4: ("vandal",)}
"""Which bots live on which host; host 1 is ours."""
CHAT, STREAM = Endpoint(IPv4Address("224.1.0.1"), 6666), Endpoint(IPv4Address("239.69.0.1"), 5004)
MDNS, SSDP = Endpoint(IPv4Address("224.0.0.251"), 5353), Endpoint(IPv4Address("239.255.255.250"), 1900)
BROADCAST = Endpoint(LIMITED_BROADCAST, 6666)
LOOPBACK_BROADCAST = IPv4Address("127.255.255.255")
_RUN_BOT = "from mcast_tui.services.lab.bots.__main__ import main; main()"


@dataclass(frozen=True)
class DemoLan:
    """What the app needs to know of the LAN it is on."""

    endpoints: tuple[Endpoint, ...]
    """Where the peers talk: to be joined."""
    note: str
    """What to tell the user: where they are, and that it is not the real network."""
    refused: McastError | None
    """Why it is the loopback instead of a LAN; None when it is a LAN."""


@contextmanager
def enter_demo_lan(*, force_loopback: bool = False, seed: int | None = None) -> Iterator[DemoLan]:
    """Build the LAN and move this process onto its host 1 until the block ends, then take it all down.

    To be entered before any thread is started. `seed` makes the peers say the same at every run.
    """
    refused = None if force_loopback else isolation_refused()
    with ExitStack() as stack:
        if refused or force_loopback:
            yield _talk_on_loopback(stack, seed, refused)
        else:
            enter_private_network()
            yield _talk_on_lan(stack, seed)


def _talk_on_lan(stack: ExitStack, seed: int | None) -> DemoLan:
    lab = stack.enter_context(Lab(hosts=4, snooping=True, querier=True))
    for number, bots in INHABITANTS.items():
        host = lab.host(number)
        for bot in bots:
            command = _bot_command(bot, str(host.address4), host.interface, seed)
            _start(stack, command, host)
    stack.enter_context(lab.host(1).entered())
    note = (
        "Demo: you are host1 (192.168.10.1) on a virtual LAN; three other hosts talk. "
        "It is not your network, and nothing leaves this machine."
    )
    return DemoLan((CHAT, STREAM, MDNS, SSDP, BROADCAST), note, None)


def _talk_on_loopback(stack: ExitStack, seed: int | None, refused: McastError | None) -> DemoLan:
    for number, bots in INHABITANTS.items():
        for bot in bots:
            command = _bot_command(bot, f"127.0.0.{number}", "lo", seed)
            _start(stack, [*command, "--broadcast", str(LOOPBACK_BROADCAST)], None)
    groups = tuple(
        Endpoint(group.address, group.port, interface="lo") for group in (CHAT, STREAM, MDNS, SSDP)
    )
    why = f"{refused} So the" if refused else "The"
    note = f"Demo: {why} peers talk on loopback, from 127.0.0.2 to 127.0.0.4; nothing leaves this machine."
    return DemoLan((*groups, Endpoint(LOOPBACK_BROADCAST, 6666, interface="lo")), note, refused)


def _bot_command(bot: str, address: str, interface: str, seed: int | None) -> list[str]:
    seeded = [] if seed is None else ["--seed", str(seed)]
    return python_command(_RUN_BOT, bot, "--address", address, "--interface", interface, *seeded)


def _start(stack: ExitStack, command: list[str], host: Host | None) -> None:
    """Start a bot; it ends when the stack does, or when we die and its standard input ends with us."""
    start = subprocess.Popen if host is None else host.popen
    quiet = subprocess.DEVNULL
    # A session of its own: what is typed in our terminal is not for the bots.
    bot = start(command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True)
    stack.callback(_end, bot)


def _end(bot: subprocess.Popen[bytes]) -> None:
    bot.kill()
    bot.wait()
    if bot.stdin is not None:
        bot.stdin.close()
