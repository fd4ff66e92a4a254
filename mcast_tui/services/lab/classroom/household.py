"""The owner's end of a resident: orders down one pipe, answers up the other."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused, describe_errno
from mcast_tui.services.lab.namespace import python_command

if TYPE_CHECKING:
    from mcast_tui.services.lab.host import Host

_LIVE = "from mcast_tui.services.lab.classroom.resident.life import live; live()"
_NOT_PERMITTED = {1, 13}  # EPERM, EACCES


class Household:
    """Our program on a host; threads may share it. It ends with the lab."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._lock = threading.Lock()
        # A session of its own, and no word of its own: our terminal is for us.
        self._process = host.popen(
            python_command(_LIVE),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def order(self, attempted: str, order: str, **how: Any) -> Any:
        """Give an order and return the answer; raises McastError with what was attempted on which host."""
        where = f"{attempted} on {self.host.name}"
        line = json.dumps({"order": order, **how}).encode() + b"\n"
        with self._lock:
            stdin, stdout = self._process.stdin, self._process.stdout
            if stdin is None or stdout is None or stdin.closed:
                raise McastError(where, "the LAN has been taken down")
            try:
                stdin.write(line)
                stdin.flush()
                said = stdout.readline()
            except (OSError, ValueError) as error:
                raise McastError(where, "our program there has ended") from error
        if not said:
            raise McastError(where, "our program there has ended")
        told = json.loads(said)
        if "errno" in told:
            number = int(told["errno"])
            kind = PermissionRefused if number in _NOT_PERMITTED else NetworkRefused
            raise kind(where, describe_errno(number), errno=number)
        return told["answer"]
