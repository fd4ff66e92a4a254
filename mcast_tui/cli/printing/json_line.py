"""One JSON object on a line of its own, all ASCII: so nothing in it acts on a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1
"""Of memberships and of events."""


def json_line(record: Mapping[str, object]) -> bytes:
    """Return one object of the schema as a line."""
    return json.dumps({"schema": SCHEMA, **record}, separators=(",", ":")).encode("ascii") + b"\n"
