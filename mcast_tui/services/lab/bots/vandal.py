"""A peer whose text tries to break the terminal: what `safe` is for, in the demo for all to see."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from mcast_tui.services.lab.bots.life import Manner

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYLOADS = (
    b"\x1b[2J\x1b[H\x1b[41mI cleared your screen\x1b[0m\n",
    b"\x1b]0;your title is mine\x07and your title\n",
    b"[@click=app.quit]click me[/] [red]or see red[/red] [link=file:///etc/passwd]or this[/link]\n",
    "evil \u202eetalumis\u202c bidi \u2066override\u2069\n".encode(),
    b"not utf-8: \xff\xfe\xc0\xaf \x80 end\n",
    b"NUL\0inside\0the\0line\n",
    b"\x1b]52;c;Y3VybCBldmls\x07clipboard\x1b[6n\x1b[c status, please\n",
    b"\x9b31m8-bit CSI \x9d0;8-bit OSC\x9c\n",
    b"\x1b[?1049h\x1b[?1003l\x1b[?25l\x1bc reset\n",
    b"carriage\rreturn, back\b\b\b\bspace, bell\x07, tab\t, formfeed\x0c, shift\x0e out\n",
    ("zalgo " + "e" + "\u0301" * 60 + " zero\u200bwidth \ufeff joiner\u200d\n").encode(),
    b"wide " + "漢".encode() * 200 + b"\n",
    b"two\nlines\r\nin one\x0bdatagram\x85\xe2\x80\xa8\n",
    b"\n",
)


class Vandal:
    """Sends each attack in turn."""

    manner = Manner("224.1.0.1", 6666, source_port=6666, maximum_rate=2)

    def talk(self) -> Iterator[tuple[float, bytes]]:
        pause = 3.0
        for payload in cycle(PAYLOADS):
            yield pause, payload
            pause = 5.0

    def answer(self, heard: bytes) -> None:
        """Stay silent."""
