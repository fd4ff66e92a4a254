"""What ``mcast-tui --help`` says: the verbs, and how an endpoint is written. No import but text."""

from __future__ import annotations

VERBS = {
    "tui": ("tui:tui", "The app, joined to these endpoints; with none, the start page."),
    "demo": ("demo:demo", "The app on a virtual LAN with talking peers: no network, no root, no set-up."),
    "lab": ("lab:lab", "A virtual LAN as a live picture, with lessons; or a shell or a command on one."),
    "listen": (
        "listen:listen",
        "Print what arrives: as text, JSON, chosen fields, a hex dump, or the bare payload.",
    ),
    "send": ("send:send", "Send one datagram per TEXT or per line of standard input."),
    "serve": ("serve:serve", "Run a command for each datagram; what it prints is the answer."),
    "query": ("query:query", "Ask a group or a host, and print who answers what, and how fast."),
    "chat": ("chat:chat", "Talk in a group as plain lines, for pipes and screen readers."),
    "groups": ("groups:groups", "Show which groups this host is a member of, and follow changes."),
    "socat": ("socat:socat", "Run two socat addresses against each other, as the socat tutorial has them."),
    "explain": ("explain:explain", "Topics of multicast in plain words: snooping, TTL, SSM, ..."),
    "tap": (
        "tap:tap",
        "Capture for the app what its own sockets cannot see; the one command that needs sudo.",
    ),
    "man": ("man:man", "Print the manual page."),
    "completion": ("completion:completion", "Print the completion script for bash, zsh or fish."),
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
  ip://[SOURCE@]GROUP[%INTERFACE]:PROTOCOL  ip://224.1.0.1:253   raw IP, needs CAP_NET_RAW

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
