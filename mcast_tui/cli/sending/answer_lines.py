"""Answers to a query as lines: text for people, JSON, or the bare payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.cli.printing.packet_format import payload_info
from mcast_tui.cli.printing.packet_lines import JsonLines
from mcast_tui.cli.printing.pieces import OwnAddresses, Wanted, read_piece
from mcast_tui.safe import safe_text
from mcast_tui.wire.address import address_and_port

if TYPE_CHECKING:
    from mcast_tui.services.node import Node
    from mcast_tui.services.query import Answer
    from mcast_tui.wire.columns import Packet

_ADDRESS_WIDTH = 21
_WANTED = Wanted(refused=True)
_NO_ADDRESSES = OwnAddresses(())
"""An answer of another program on this host is none of our own packets."""


def answer_as_text(answer: Answer, node: Node) -> bytes:
    """Return ``SOURCE:PORT  0.412 ms  ttl 64 len 6 payload``; what is not known is ``-``."""
    packet = answer.packet
    rtt = "-" if answer.rtt_ns is None else f"{answer.rtt_ns / 1e6:.3f}"
    hop_limit = "-" if packet.hop_limit is None else packet.hop_limit
    marks = "".join(
        f" [{word}]"
        for word, holds in (("own", packet.own), ("refused", packet.refused), ("truncated", packet.truncated))
        if holds
    )
    line = (
        f"{_source(packet, node):<{_ADDRESS_WIDTH}} {rtt:>9} ms  ttl {hop_limit:>3} "
        f"len {packet.length:>5}{marks} {payload_info(packet.payload)}"
    )
    return f"{line.rstrip()}\n".encode("utf-8", "backslashreplace")


def _source(packet: Packet, node: Node) -> str:
    """Return address and port, a link-local address with its interface, as they can be sent to."""
    address = str(packet.source)
    if packet.source.version == 6 and packet.source.is_link_local and packet.ifindex:
        names = {interface.index: interface.name for interface in node.interfaces}
        address += f"%{safe_text(names.get(packet.ifindex, str(packet.ifindex)))}"
    return address_and_port(address, packet.source_port)


def answer_as_json(answer: Answer, node: Node) -> bytes:
    """Return the packet as ``listen --json`` has it, and ``rtt_ns``, null when it is not known.

    Empty when the packet was evicted meanwhile.
    """
    number = answer.packet.number
    piece = read_piece(node.ring, number, number + 1, 1, _WANTED, _NO_ADDRESSES)
    if not len(piece):
        return b""
    names = {interface.index: interface.name for interface in node.interfaces}
    record = JsonLines().render(piece, names.get).removesuffix("}\n")
    rtt = "null" if answer.rtt_ns is None else answer.rtt_ns
    return f'{record},"rtt_ns":{rtt}}}\n'.encode()


def answer_as_payload(answer: Answer, _node: Node) -> bytes:
    """Return the payload as it is."""
    return answer.packet.payload or b""
