"""``python -m mcast_tui``: the same as the command ``mcast-tui``."""

from mcast_tui.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
