"""The door: finds the subcommand, and turns a refusal into one line and an exit code."""

import difflib
import os
import sys
import warnings
from importlib import import_module

from spikeloop import __version__
from spikeloop.errors import SpikeloopError, SpikeloopWarning

COMMANDS = {
    "loop": "simulate a virtual visual cortex, record it, characterize it, judge it by its truth",
    "simulate": "simulate neurons, networks of them, and recordings with ground truth",
    "characterize": "find what drives each unit of a recording, and how reliably",
    "encode": "fit models that predict units from what was shown, and compare them",
    "learn": "train spiking networks on a task, beside the ideal observer",
    "data": "list and fetch published recordings",
}
"""Each subcommand is a file of this room with a ``main(arguments) -> exit code``."""

_HELP = """usage: spikeloop COMMAND [OPTIONS]

Take a neurophysiology experiment round the whole loop, checked against ground truth.

commands:
{commands}

options:
  -h, --help     show this text; spikeloop COMMAND --help tells the options of a command
  --version      show the version

A run makes one new results folder, with a report that opens in any browser.
Exit codes: 0 done, 1 could not, 2 wrong usage.

Example:
  spikeloop loop --out loop-results
"""


def main(arguments: list[str] | None = None) -> int:
    """Run one subcommand and return its exit code: 0 done, 1 could not, 2 wrong usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for name in ("stdout", "stderr"):  # None where the shell has closed them
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        sys.stdout.write(help_text())
        return 0
    if name == "--version":
        sys.stdout.write(f"spikeloop {__version__}\n")
        return 0
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        advice = f"did you mean {near[0]}?" if near else f"known: {', '.join(COMMANDS)}"
        sys.stderr.write(f"spikeloop: there is no command {name!r}; {advice}\n")
        return 2
    return _run(name, arguments[1:])


def help_text() -> str:
    """Return what ``spikeloop --help`` says."""
    commands = "\n".join(f"  {name:<14} {what}" for name, what in COMMANDS.items())
    return _HELP.format(commands=commands)


def _run(name: str, arguments: list[str]) -> int:
    shown = warnings.showwarning
    warnings.showwarning = _show_warning
    try:
        code = import_module(f"spikeloop.cli.{name}").main(arguments)
        sys.stdout.flush()
        return code
    except SpikeloopError as error:
        sys.stderr.write(f"spikeloop {name}: {error}\n")
    except BrokenPipeError:
        # Who read our output has gone; what is left of it must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        sys.stderr.write(f"\nspikeloop {name}: interrupted. Run it again (or --resume it).\n")
    except MemoryError as error:
        sys.stderr.write(f"spikeloop {name}: there is not enough memory: {error}. Ask for less.\n")
    except Exception as error:
        if os.environ.get("SPIKELOOP_TRACEBACK"):
            raise
        sys.stderr.write(
            f"spikeloop {name}: {type(error).__name__}: {error}. This was not foreseen: please "
            "report it, with what SPIKELOOP_TRACEBACK=1 adds.\n"
        )
    finally:
        warnings.showwarning = shown
    return 1


def _show_warning(message, category, filename, lineno, file=None, line=None) -> None:
    place = "" if issubclass(category, SpikeloopWarning) else f"{filename}:{lineno}: "
    sys.stderr.write(f"note: {place}{message}\n")
