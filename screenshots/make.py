"""Make the pictures in this folder: the real app on the demo LAN, and the classroom, at three sizes.

    python screenshots/make.py [FOLDER]

Nothing is drawn: the peers are the demo's, their packets cross real sockets, and what the app
shows is exported as SVG and turned into PNG by rsvg-convert (Debian: librsvg2-bin).
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from mcast_tui.services.lab.classroom.lessons import find_scenario
from mcast_tui.services.lab.demo import enter_demo_lan
from mcast_tui.services.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.pilot import Pilot

    from mcast_tui.app.app import McastApp
    from mcast_tui.app.terminal_app import TerminalApp
    from mcast_tui.services.lab.classroom.scenario import Scenario
    from mcast_tui.wire.address import Endpoint

SIZES = ((80, 24), (120, 40), (200, 50))
PATIENCE_S = 60.0
PEERS_TALK = 12
"""Lines in the chat before a picture is worth taking."""


def main(folder: Path) -> None:
    if shutil.which("rsvg-convert") is None:
        sys.exit("needs rsvg-convert: apt install librsvg2-bin")
    with enter_demo_lan(seed=7) as lan:
        if lan.refused:
            sys.exit(f"the pictures want the virtual LAN. {lan.refused}")
        asyncio.run(take_start_page(folder))
        asyncio.run(take_talk(folder, lan.endpoints, lan.note))
        asyncio.run(take_classroom(folder, find_scenario("four-minutes")))


async def take_start_page(folder: Path) -> None:
    app = make_app(())
    async with app.run_test(size=SIZES[1]) as pilot:
        await pilot.pause(1.5)
        await take(app, folder / "start_120x40.png")


async def take_talk(folder: Path, endpoints: Sequence[Endpoint], note: str) -> None:
    """Let the peers talk a while, say something, and take every screen at every size."""
    app = make_app(endpoints, note)
    async with app.run_test(size=SIZES[1]) as pilot:
        await wait(pilot, lambda: app.main is not None)
        assert app.main is not None
        node = app.main._node
        await wait(pilot, lambda: len(node.groups) == len(endpoints))
        chat = next(iter(node.groups))
        await wait(pilot, lambda: len(node.chat.lines(chat.id)) >= 3)
        await say(pilot, "hello from the screenshot script")
        await wait(pilot, lambda: len(node.chat.lines(chat.id)) >= PEERS_TALK)
        await pilot.press("2")
        await take_sizes(pilot, app, folder, "chat")
        await pilot.press("1")
        app.main.stage.packets.focus_log()
        await pilot.pause()
        await pilot.press("up", "up", "up")
        await take_sizes(pilot, app, folder, "packets")
        await pilot.press("4")
        await wait(pilot, lambda: len(node.memberships.queriers()) > 1)  # of IPv4 and of IPv6
        await say(pilot, "/block 192.168.10.4")  # whose text tries to break the terminal
        await wait(pilot, lambda: "sent" in str(node.explainer.explanation))
        await take_sizes(pilot, app, folder, "membership")
        await say(pilot, "/tap")
        await wait(pilot, lambda: app.main is not None and app.main.stage.centre == "packets")
        await take_sizes(pilot, app, folder, "wire")


async def take_classroom(folder: Path, lesson: Scenario) -> None:
    """Play the lesson until its stream has stopped, and take that at every size."""
    from mcast_tui.app.classroom.app import ClassroomApp

    app = ClassroomApp(lesson.plan, lesson)
    async with app.run_test(size=SIZES[1]) as pilot:
        await wait(pilot, lambda: app.classroom is not None)
        assert app.classroom is not None
        lectern = app.classroom._lectern
        for done in range(1, 4):
            await pilot.press("space")
            await wait(
                pilot, lambda done=done: lectern.lesson is not None and len(lectern.lesson.results) == done
            )
        await take_sizes(pilot, app, folder, "lab")


async def take_sizes(pilot: Pilot[int], app: TerminalApp, folder: Path, name: str) -> None:
    for width, height in SIZES:
        await pilot.resize_terminal(width, height)
        await pilot.pause(1.2)
        await take(app, folder / f"{name}_{width}x{height}.png")


async def say(pilot: Pilot[int], text: str) -> None:
    await pilot.press("i", *("space" if character == " " else character for character in text), "enter")
    await pilot.press("escape")


async def wait(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await pilot.pause(0.1)


def make_app(endpoints: Sequence[Endpoint], note: str = "") -> McastApp:
    from mcast_tui.app.app import McastApp
    from mcast_tui.services.node import Node
    from mcast_tui.wire.place import Place

    return McastApp(lambda: Node(Settings()), [Place(end) for end in endpoints], demo_note=note or None)


async def take(app: TerminalApp, target: Path) -> None:
    svg = app.export_screenshot(title="mcast-tui")
    # rsvg-convert drops leading no-break spaces unless told to keep white space.
    svg = svg.replace("<svg ", '<svg xml:space="preserve" ', 1)
    await asyncio.to_thread(convert, svg, target)  # or the app stood still, and rightly said what it skipped
    print(target)


def convert(svg: str, target: Path) -> None:
    with TemporaryDirectory() as scratch:
        source = Path(scratch) / "screen.svg"
        source.write_text(svg, encoding="utf-8")
        subprocess.run(["rsvg-convert", "--width", "1600", "-o", target, source], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
