"""The classroom's keys, each with its words for the help.

`key(...)` is a key that acts on the LAN: what it means is said by the method of that name in `keys`.
"""

from __future__ import annotations

from textual.binding import Binding

BINDINGS = (
    Binding("space,enter", "next_step", "Do the next step of the lesson", id="lab.next"),
    Binding("enter", "play", "Play the marked lesson", id="lab.play"),
    Binding("a", "run_through", "Let the lesson run by itself, or stop it", id="lab.auto"),
    Binding("p", "pick", "Pick a lesson", id="lab.pick"),
    Binding("b", "restart", "Begin the lesson anew, on a fresh LAN", id="lab.restart"),
    Binding("f", "leave_lesson", "Leave the lesson and play on freely", id="lab.free"),
    *(
        Binding(str(number), f"select({number})", "Mark a host", id=f"lab.host_{number}")
        for number in range(1, 10)
    ),
    Binding("left", "step_host(-1)", "Mark the host before", id="lab.previous_host"),
    Binding("right", "step_host(1)", "Mark the next host", id="lab.next_host"),
    Binding("j", "key('join')", "Join a group on it", id="lab.join"),
    Binding("l", "key('leave')", "Leave a group on it", id="lab.leave"),
    Binding("s", "key('send')", "Start a sender on it, or stop it", id="lab.send"),
    Binding("S", "key('send_more')", "Start another sender on it", id="lab.send_more"),
    Binding("n", "key('snooping')", "Snooping of the switch", id="lab.snooping"),
    Binding("Q", "key('querier')", "Querier of the switch: v3, v2, off", id="lab.querier"),
    Binding("v", "key('version')", "IGMP version of the host", id="lab.version"),
    Binding("r", "key('reverse_path')", "rp_filter of the host", id="lab.rp_filter"),
    Binding("c", "key('cable')", "Pull its cable, or plug it in", id="lab.cable"),
    Binding("d", "key('drop')", "Drop a part of its packets", id="lab.drop"),
    Binding("up", "move(-1)", "Scroll the lesson, or mark another", id="lab.up"),
    Binding("down", "move(1)", "Scroll the lesson, or mark another", id="lab.down"),
    Binding("pageup", "move(-8)", "Scroll the lesson by a page", id="lab.page_up"),
    Binding("pagedown", "move(8)", "Scroll the lesson by a page", id="lab.page_down"),
    Binding("escape", "back", "Leave what is open", id="lab.back"),
)
