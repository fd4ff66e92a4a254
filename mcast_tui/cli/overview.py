"""What ``mcast-tui --help`` says: the verbs, and how an endpoint is written. No import but text."""

from __future__ import annotations

VERBS = {
    "tui": ("tui:tui", "The app, joined to these endpoints; with none, the start page."),
    "demo": ("demo:demo", "The app on a virtual LAN with talking peers: no network, no root, no set-up."),
    "listen": ("listen:listen", "Print what arrives, as text or JSON."),
    "send": ("send:send", "Send one datagram per TEXT or per line of standard input."),
    "chat": ("chat:chat", "Talk in a group as plain lines, for pipes and screen readers."),
}
"""Verb -> (module and function under cli.commands, one line of help)."""

_OVERVIEW = """\
Usage: mcast-tui [ENDPOINT...]
       mcast-tui COMMAND [OPTIONS] [ARGS...]

Join a multicast or broadcast group, see every packet, talk back. Without a command, opens the app
joined to the ENDPOINTs, or its start page, which joins and sends nothing.

Commands (each has --help):
{verbs}

Endpoints:
  [SOURCE,]ADDRESS[%INTERFACE][:PORT][+N]   224.1.0.1%eth0:6666   192.168.10.3,232.1.1.1   239.0.0.1:5000+19
  [IPV6%INTERFACE]:PORT                     [ff15::42%eth0]:6666
  broadcast[%INTERFACE][:PORT]              broadcast:6666
  udp://[SOURCE@]GROUP:PORT                 udp://@239.0.0.1:1234

Options:
  -h, --help   Show this message and exit.
  --version    Show the version and exit.\
"""


def overview() -> str:
    """Return the help of the command itself."""
    width = max(map(len, VERBS))
    return _OVERVIEW.format(
        verbs="\n".join(f"  {name:<{width}}  {text}" for name, (_, text) in VERBS.items())
    )
