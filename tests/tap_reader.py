"""A program without any privilege that looks at the tap; says on stdout, a line of JSON each, what it sees.

python -m tests.tap_reader UID
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcast_tui.net.privileges import drop_privileges
from mcast_tui.services.tap.tap import TapService
from tests.peers import Program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


async def look() -> None:
    said: object = None
    cursor = 0
    async with TapService(ring_packets=4096, ring_bytes=1 << 20) as tap:
        while True:
            state = tap.state
            facts = {
                "is_open": state.is_open,
                "interfaces": state.interfaces,
                "way": state.way,
                "error": str(state.error) if state.error else None,
            }
            if facts != said:
                say(state=facts)
                said = facts
            for number in range(cursor, tap.ring.head):
                payload = tap.ring.payload(number)
                say(payload=None if payload is None else payload.decode("latin-1"))
            cursor = tap.ring.head
            for frame in tap.control_frames():
                say(control=frame.packet.hex())
            for stream in tap.streams():
                if stream.port == 6666:
                    say(stream=[str(stream.source), str(stream.destination), stream.packets])
            await asyncio.sleep(0.01)


def say(**facts: object) -> None:
    sys.stdout.write(f"{json.dumps(facts)}\n")
    sys.stdout.flush()


@contextmanager
def runtime_directory(uid: int) -> Iterator[Path]:
    """Make a directory of that user alone, where both ends look first."""
    directory = Path(tempfile.mkdtemp(prefix="mcast-tui-test-"))
    os.chown(directory, uid, uid)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(directory)
    try:
        yield directory
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
        if before is not None:
            os.environ["XDG_RUNTIME_DIR"] = before
        shutil.rmtree(directory)


class Reader(Program):
    """This program on a host."""

    def __init__(self, host: Any, uid: int) -> None:
        # numpy's threads would keep privileges
        command = ["env", "OPENBLAS_NUM_THREADS=1", sys.executable, "-m", "tests.tap_reader", str(uid)]
        super().__init__(host, command)

    def said(self, name: str) -> list[Any]:
        """Return what was said of this kind so far."""
        lines = self.output.data.split(b"\n")[:-1]
        return [fact[name] for fact in map(json.loads, lines) if name in fact]

    def wait(self, name: str, value: object) -> None:
        """Wait until this was said."""
        wait_until(lambda: value in self.said(name) or self.output.ended, f"{name} {value!r}")
        assert value in self.said(name), self.errors.data.decode()

    def wait_state(self, **facts: object) -> dict[str, Any]:
        """Wait until the last state said has these facts; return it whole."""

        def is_so() -> bool:
            states = self.said("state")
            return bool(states) and facts.items() <= states[-1].items()

        wait_until(lambda: is_so() or self.output.ended, f"a state with {facts}")
        assert is_so(), self.errors.data.decode()
        state: dict[str, Any] = self.said("state")[-1]
        return state


if __name__ == "__main__":
    identity = int(sys.argv[1])
    drop_privileges(identity, identity)
    asyncio.run(look())
