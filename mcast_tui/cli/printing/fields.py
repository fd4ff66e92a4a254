"""The fields of a packet as ``--json`` and ``--fields`` name them, and a choice among them."""

from __future__ import annotations

from mcast_tui.errors import UsageError

FIELDS = (
    "schema",
    "number",
    "time",
    "kernel_time",
    "source",
    "source_port",
    "destination",
    "destination_port",
    "protocol",
    "addressed",
    "interface",
    "ifindex",
    "local_address",
    "hop_limit",
    "traffic_class",
    "length",
    "truncated",
    "own",
    "refused",
    "payload_hex",
    "text",
)
"""All there are, in the order in which ``--json`` says them."""


def choose_fields(text: str) -> tuple[str, ...]:
    """Return the fields that ``a,b,c`` names, in its order; blanks around a name do not matter.

    Raises `UsageError` for a name that is not known, and lists those that are, the nearest first;
    for one that is missing between two commas; and for one that comes twice.
    """
    names = tuple(name.strip() for name in text.split(","))
    for position, name in enumerate(names):
        if name in names[:position]:
            raise UsageError("choose the fields", f"{name!r} is named twice")
        if name not in FIELDS:
            reason = f"there is no field {name!r}" if name else "a name is missing"
            raise UsageError("choose the fields", reason, remedy=f"Known: {', '.join(_nearest_first(name))}.")
    return names


def _nearest_first(name: str) -> list[str]:
    from difflib import SequenceMatcher  # only where something went wrong

    def likeness(known: str) -> float:
        return SequenceMatcher(None, name.lower(), known).ratio()

    return sorted(FIELDS, key=likeness, reverse=True)
