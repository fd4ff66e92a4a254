"""Settings: built-in defaults < configuration file < environment < command line.

The values are read once, by the front end, and passed down; no service looks anything up.
A file that cannot be understood is an error that names the file and the key, never a
silent default.
"""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from mcast_tui.errors import EndpointError, UsageError
from mcast_tui.services.settings import Settings
from mcast_tui.wire.address import parse_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network
    from pathlib import Path

ENVIRONMENT_PREFIX = "MCAST_TUI_"


BOUNDS = {
    "ring_packets": (1024, 1 << 27),
    "ring_bytes": (1 << 17, 1 << 36),
    "receive_buffer": (4096, 1 << 30),
    "hop_limit": (0, 255),
    "source_port": (1, 65535),
}
"""Smallest and largest value of each number; a ring below these would not hold one batch."""


BOOLEANS = {"loop", "ascii"}
NAMES = {field.name for field in fields(Settings)}


def default_file() -> Path:
    """Return where the configuration file is looked for."""
    from platformdirs import user_config_path

    return user_config_path("mcast-tui") / "config.toml"


def load_settings(environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Read the file (the default one may be missing) and the environment over the defaults."""
    path = file or default_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if file is not None:
            raise UsageError(f"read the settings in {path}", "there is no such file") from None
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"read the settings in {path}", str(error)) from error
    settings = _apply(Settings(), _parse_toml(text, path), str(path))
    return _apply(settings, _from_environment(environment), "the environment")


def _parse_toml(text: str, path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"read the settings in {path}", str(error)) from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    return {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(ENVIRONMENT_PREFIX)
    }


def _apply(settings: Settings, values: Mapping[str, object], origin: str) -> Settings:
    changed: dict[str, Any] = {}
    for name, value in values.items():
        attempted = f"use the setting {name} of {origin}"
        if name not in NAMES:
            raise UsageError(attempted, "it is not known", remedy=f"Known: {', '.join(sorted(NAMES))}.")
        changed[name] = _convert(name, value, attempted)
    return replace(settings, **changed)


def _convert(name: str, value: object, attempted: str) -> object:
    """Return the value a file or the environment gives a setting; raise `UsageError` when it is none."""
    if name in BOUNDS:
        return as_number(value, attempted, *BOUNDS[name])
    if name in BOOLEANS:
        return _as_boolean(value, attempted)
    if name == "ranges":
        return _as_networks(value, attempted)
    if not isinstance(value, (str, int)):
        raise UsageError(attempted, f"{value!r} is no name, index or address")
    return str(value)


def _as_networks(value: object, attempted: str) -> tuple[IPv4Network | IPv6Network, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise UsageError(attempted, "it must be a list of networks such as 192.168.10.0/24")
    try:
        return tuple(parse_network(str(part)) for part in parts)
    except EndpointError as error:
        raise UsageError(attempted, error.reason, remedy=error.remedy) from error


def _as_boolean(value: object, attempted: str) -> bool:
    words = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(
        ("0", "false", "no", "off"), False
    )
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise UsageError(attempted, f"{value!r} is neither true nor false")


def as_number(value: object, attempted: str, low: int, high: int) -> int:
    """Return `value` as a whole number from `low` to `high`, or raise `UsageError`."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) < 20 else high + 1  # longer than any bound
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError(attempted, f"{value!r} is no whole number")
    if not low <= value <= high:
        raise UsageError(attempted, f"{value} is not between {low} and {high}")
    return value
