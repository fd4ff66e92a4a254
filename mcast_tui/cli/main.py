"""The command line's front door: find the verb, run it, turn an error into words and a status.

What is not a verb is an endpoint: ``mcast-tui 224.1.0.1:6666`` opens the app. Help and version
are answered before anything is imported: click alone would double their time.

stdout is data, stderr is talk. Exit status: 0 done, 1 the answer is no, 2 usage,
3 permission, 4 the network refused, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import errno
import io
import os
import sys

from mcast_tui.cli.streams import Stdout, discard_stdout, prepare_streams, unwritten

TYPE_CHECKING = False  # typing alone would take a third of the time of --help
if TYPE_CHECKING:
    import click

    from mcast_tui.errors import McastError

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit status; the only place that prints an error."""
    prepare_streams()
    words = sys.argv[1:] if arguments is None else arguments
    stream = sys.stdout
    sys.stdout = stdout = Stdout(stream)
    try:
        status = _answer(words)
        stdout.flush()  # what fails when Python ends can no longer be said in our words
    except OSError as error:
        if stdout.error is None:
            raise
        discard_stdout()
        if isinstance(error, BrokenPipeError):
            return 0  # the reader has all that it wanted, as ``head`` and ``true`` have
        refusal = unwritten(error.errno or 0)
        print_error(refusal)
        return refusal.exit_status
    else:
        return status
    finally:
        sys.stdout = stream


def _answer(words: list[str]) -> int:
    if words in (["--help"], ["-h"]):
        from mcast_tui.cli.overview import overview

        print(overview())
        return 0
    if words == ["--version"]:
        from mcast_tui import __version__

        print(f"mcast-tui {__version__}")
        return 0
    return _run_verb(words)


def _run_verb(words: list[str]) -> int:
    _have_children_waited_for()
    import click

    from mcast_tui.cli.verbs import cli
    from mcast_tui.errors import McastError

    # We add and compare columns; numpy's linear algebra would start a thread for nothing, 50 ms of it.
    if "OPENBLAS_NUM_THREADS" not in os.environ:
        os.putenv("OPENBLAS_NUM_THREADS", "1")  # unlike os.environ: no command of ours gets it
    try:
        status = cli.main(words, prog_name="mcast-tui", standalone_mode=False)
    except McastError as error:
        print_error(error)
        return error.exit_status
    except click.ClickException as error:
        _print_usage_error(error)
        return 2
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        return _print_no_memory()
    except MemoryError:
        return _print_no_memory()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    return status if isinstance(status, int) else 0


def _have_children_waited_for() -> None:
    """Undo an ignored SIGCHLD that we inherited: nobody could learn how a command of ours ended (wait(2))."""
    import signal

    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _print_usage_error(error: click.ClickException) -> None:
    """Print what click says of a command line it cannot read; it repeats the words as they were given."""
    from mcast_tui.cli.talk import talk

    said = io.StringIO()
    error.show(said)
    for line in said.getvalue().splitlines():
        talk(line)


def _print_no_memory() -> int:
    """Say that there is no memory; in a run of ours it is the ring that wants any worth the name."""
    from mcast_tui.errors import McastError

    error = McastError(
        "keep that many packets",
        os.strerror(errno.ENOMEM),
        errno=errno.ENOMEM,
        remedy="Keep fewer: --ring-packets and --ring-bytes.",
    )
    print_error(error)
    return error.exit_status


def print_error(error: McastError) -> None:
    """Print an error on stderr: the sentences, and for an endpoint a caret under the fault."""
    from mcast_tui.cli.talk import talk
    from mcast_tui.errors import EndpointError
    from mcast_tui.safe import safe_text

    for position, sentence in enumerate(error.sentences()):
        talk(("mcast-tui: " if position == 0 else "  ") + sentence)
        if position == 0 and isinstance(error, EndpointError) and error.text:
            shown = safe_text(error.text)
            if shown == error.text:  # otherwise columns no longer fall where they did
                talk(f"  {shown}")
                talk(f"  {' ' * error.column}^")
