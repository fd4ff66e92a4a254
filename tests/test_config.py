"""Settings come from defaults, a file and the environment, in that order, and never from a guess."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from mcast_tui.config import load_settings
from mcast_tui.errors import UsageError
from mcast_tui.services.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text)
    return file


def test_without_file_and_environment_the_defaults_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_settings({}) == Settings()


def test_the_file_overrides_the_defaults_and_the_environment_the_file(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        'interface = "eth1"\nhop_limit = 3\nloop = false\nranges = ["192.168.10.0/24", "fe80::/64"]\n',
    )
    settings = load_settings({"MCAST_TUI_HOP_LIMIT": "5", "MCAST_TUI_ASCII": "yes", "HOME": "/"}, file)
    assert (settings.interface, settings.hop_limit, settings.loop, settings.ascii) == ("eth1", 5, False, True)
    assert settings.ranges == (ip_network("192.168.10.0/24"), ip_network("fe80::/64"))


def test_ranges_in_the_environment_are_separated_by_commas(tmp_path: Path) -> None:
    settings = load_settings({"MCAST_TUI_RANGES": "10.0.0.0/8,192.168.0.0/16"}, written(tmp_path, ""))
    assert settings.ranges == (ip_network("10.0.0.0/8"), ip_network("192.168.0.0/16"))


def test_a_value_given_on_the_command_line_overrides_all() -> None:
    assert Settings(hop_limit=3).override(hop_limit=7, interface=None) == Settings(hop_limit=7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hop_limit = 256", "hop_limit.*256 is not between 0 and 255"),
        ('hop_limit = "many"', "hop_limit.*no whole number"),
        ("hop_limit = true", "hop_limit.*no whole number"),
        ("ring_packets = 3", "ring_packets.*between"),
        ('loop = "perhaps"', "loop.*neither true nor false"),
        ("ranges = 7", "ranges.*list of networks"),
        ('ranges = ["10.0.0.0/33"]', "ranges.*33"),
        ("interface = [1]", "interface.*no name"),
        ("hoplimit = 3", "hoplimit.*not known"),
        ("hop_limit = ", "config.toml"),
    ],
)
def test_what_cannot_be_understood_names_the_file_and_the_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        load_settings({}, written(tmp_path, text))
    assert "config.toml" in str(refused.value)


def test_a_mistyped_name_in_the_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hoplimit"):
        load_settings({"MCAST_TUI_HOPLIMIT": "3"}, written(tmp_path, ""))


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_settings({}, tmp_path / "absent.toml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"config\.toml"):
        load_settings({}, file)
