"""Tap an interface with our own tap for a while; print what came and what it cost, as JSON.

    tap_child.py INTERFACE SECONDS

Ends after SECONDS, or when half a second has passed without traffic after the first frame.
"""

from __future__ import annotations

import argparse
import json
import time

from benchmarks.receive_child import QUIET_S, cpu_s
from mcast_tui.capture.ring import PacketRing
from mcast_tui.net.interfaces import list_interfaces, resolve_interface
from mcast_tui.net.tap import Tap
from mcast_tui.wire.frame import LINK_COLUMNS

