"""The files under share/, which a package installs, are what the commands print now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcast_tui.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Sequence

SHARE = Path(__file__).parents[2] / "share"
MADE_BY = {
    "man/man1/mcast-tui.1": ["man"],
    "bash-completion/completions/mcast-tui": ["completion", "bash"],
    "zsh/site-functions/_mcast-tui": ["completion", "zsh"],
    "fish/vendor_completions.d/mcast-tui.fish": ["completion", "fish"],
}


@pytest.mark.parametrize(("file", "words"), MADE_BY.items(), ids=MADE_BY)
def test_a_shared_file_is_what_the_command_prints(
    file: str, words: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == 0
    is_current = capsys.readouterr().out == (SHARE / file).read_text()
    assert is_current, f"share/{file} is not of these definitions: run `make share`"


def test_nothing_else_is_shared() -> None:
    assert {str(path.relative_to(SHARE)) for path in SHARE.rglob("*") if path.is_file()} == MADE_BY.keys()
