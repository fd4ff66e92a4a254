"""A media server that notifies the LAN of itself by SSDP (UPnP Device Architecture 2.0, section 1.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.life import Manner

if TYPE_CHECKING:
    from collections.abc import Iterator

UUID = "uuid:4d436173-7454-5549-8000-0200c0a80a03"
DEVICE = "urn:schemas-upnp-org:device:MediaServer:1"
NOTICES = (("upnp:rootdevice", f"{UUID}::upnp:rootdevice"), (UUID, UUID), (DEVICE, f"{UUID}::{DEVICE}"))
ROUND_S, GAP_S = 10.0, 0.15


class SsdpAnnouncer:
    """The media server: three notices a round, as a root device without services sends."""

    manner = Manner("239.255.255.250", 1900, source_port=1900, maximum_rate=10, hop_limit=2)

    def __init__(self, address: str) -> None:
        self._address = address

    def talk(self) -> Iterator[tuple[float, bytes]]:
        pause = 1.5
        while True:
            for kind, name in NOTICES:
                yield pause, notice(self._address, kind, name)
                pause = GAP_S
            pause = ROUND_S

    def answer(self, heard: bytes) -> None:
        """Stay silent: it announces only, and nobody searches."""


def notice(address: str, kind: str, name: str) -> bytes:
    """Return one ``ssdp:alive`` notification."""
    lines = (
        "NOTIFY * HTTP/1.1",
        "HOST: 239.255.255.250:1900",
        "CACHE-CONTROL: max-age=1800",
        f"LOCATION: http://{address}:8200/rootDesc.xml",
        "SERVER: Linux/6.1 UPnP/2.0 MediaBox/1.4",
        f"NT: {kind}",
        f"USN: {name}",
        "NTS: ssdp:alive",
        "BOOTID.UPNP.ORG: 1",
        "CONFIGID.UPNP.ORG: 1",
    )
    return "\r\n".join((*lines, "", "")).encode()
