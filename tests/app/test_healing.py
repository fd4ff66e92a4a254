"""The app tells what becomes of an interface, and goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.app.frame import frame_on
from tests.services.nodes import send_from

if TYPE_CHECKING:
    from mcast_tui.services.lab.lan import Lab


async def test_a_card_taken_out_and_put_in_again_is_told_and_the_group_goes_on(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1", size=(170, 40)) as frame:
        lab.remove(1)
        await frame.until(lambda: "not a member any more - joined again once" in frame.text, "the loss")
        gone = "Cannot receive 224.1.0.1:6666: eth0 is gone."
        await frame.until(lambda: any(gone in notice for notice in frame.notices), "the notice")
        lab.insert(1)
        await frame.until(
            lambda: "eth0: 224.1.0.1 joined again: users 1, EXCLUDE {}." in frame.notices, "the healing"
        )
        await frame.until(lambda: "users 1 EXCLUDE{}" in frame.text, "the membership")

        def has_come() -> bool:
            send_from(lab.host(2), b"after all that\n")
            return "after all that" in frame.text

        await frame.until(has_come, "a packet")


async def test_a_renamed_interface_has_its_new_name_on_screen_and_is_sent_by(lab: Lab) -> None:
    async with frame_on(lab.host(1), "224.1.0.1", size=(170, 40)) as frame:
        assert frame.chip == "→ 224.1.0.1:6666 eth0 ttl 1 loop"
        for words in ("set eth0 down", "set eth0 name wan0", "set wan0 up"):
            lab.host(1).run(["ip", "link", *words.split()])
        await frame.until(lambda: frame.chip == "→ 224.1.0.1:6666 wan0 ttl 1 loop", "the new name")
        await frame.until(lambda: " wan0 " in frame.text.splitlines()[0], "the header")
        await frame.enter("said after the renaming")
        await frame.until(lambda: "said after the renaming" in frame.text, "our line")
        assert not any("Cannot send" in notice for notice in frame.notices)


async def test_ten_groups_healed_at_once_are_one_notice(lab: Lab) -> None:
    async with frame_on(lab.host(1)) as frame:
        await frame.enter("/join 239.1.0.0+9")
        await frame.joined(10)
        lab.cut(1)
        await frame.until(lambda: any("eth0 has no carrier" in n for n in frame.notices), "the warning")
        lab.plug(1)
        await frame.until(
            lambda: "eth0: 239.1.0.0 joined again: users 1, EXCLUDE {} (and 9 more)." in frame.notices, "it"
        )
