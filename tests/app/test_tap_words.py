"""What the Packets and the Membership screen say while the tap is closed: the same, and only what is true."""

from __future__ import annotations

import pytest

from mcast_tui.app.palette import UNICODE
from mcast_tui.app.screens.packets_scope import closed_text
from mcast_tui.app.widgets import querier_view
from mcast_tui.errors import McastError, NetworkRefused, PermissionRefused
from mcast_tui.services.tap.tap import TapState

BY_A_USER = PermissionRefused("tap", "it needs CAP_NET_RAW", remedy="Start it.", command="sudo mcast-tui tap")
BY_ROOT = PermissionRefused("tap", "CAP_NET_RAW is withheld", remedy="Start the container with it.")
NONE_IS_UP = NetworkRefused("tap", "none is up", remedy="Switch one on.", command="ip -brief link")
IS_DOWN = NetworkRefused("tap eth0", "eth0 is down", command="sudo ip link set eth0 up")
HAS_STOPPED = NetworkRefused("tap", "what reads it stopped")


def said_by_both(error: McastError | None) -> list[str]:
    """Return what each of the screens says in one line."""
    closed = TapState(is_open=False, error=error).closed
    assert closed is not None
    drawn = (closed_text(closed), querier_view.tap_lines(closed, 100, UNICODE))
    return [" ".join(" ".join(map(str, lines)).split()) for lines in drawn]


@pytest.mark.parametrize("error", [BY_A_USER, BY_ROOT, NONE_IS_UP, IS_DOWN, HAS_STOPPED])
def test_both_screens_tell_the_reason_the_remedy_and_the_command_of_the_error(error: McastError) -> None:
    for said in said_by_both(error):
        assert "Not known: the wire is not listened to. " in said
        assert f"No tap: {error.reason}." in said
        assert (error.remedy or "") in said
        assert (error.command or "") in said


@pytest.mark.parametrize("error", [BY_ROOT, HAS_STOPPED, None])
def test_without_a_command_none_is_offered(error: McastError | None) -> None:
    for said in said_by_both(error):
        assert "y copies it" not in said
        assert "sudo" not in said
        assert "To see it" not in said


@pytest.mark.parametrize("error", [NONE_IS_UP, IS_DOWN, HAS_STOPPED, None])
def test_where_no_privilege_is_missing_none_is_asked_for(error: McastError | None) -> None:
    for said in said_by_both(error):
        assert "CAP_NET_RAW" not in said
        assert "To see it, in another terminal" not in said
        assert ("What would help" in said) == bool(error and error.command)


def test_a_missing_privilege_is_had_by_what_runs_in_another_terminal() -> None:
    for said in said_by_both(BY_A_USER):
        assert "To see it, in another terminal" in said
        assert "What would help" not in said


def test_names_in_the_words_are_only_shown() -> None:
    odd = "e\x1b[2J\u202e"
    error = NetworkRefused("tap", f"{odd} is down", remedy=odd, command=f"sudo ip link set {odd!r} up {odd}")
    for said in said_by_both(error):
        assert "\x1b" not in said
        assert "\u202e" not in said
