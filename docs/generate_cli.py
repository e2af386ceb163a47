"""Write docs/reference/cli.md from what the command line says about itself.

Run ``python docs/generate_cli.py`` after changing a command or its settings.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from spikeloop.cli.main import COMMANDS

PAGE = Path(__file__).resolve().parent / "reference" / "cli.md"

INTRODUCTION = """\
# Command line

<!-- Written by docs/generate_cli.py. Change the docstrings of the settings instead. -->

Data goes to stdout, words to stderr. The exit code is 0 when the work is done, 1 when it could not
be done and 2 when the command was not understood.
"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page: the help of `spikeloop`, then that of each of its commands."""
    parts = [INTRODUCTION]
    waiting: list[tuple[str, ...]] = [(), *((name,) for name in COMMANDS)]
    while waiting:
        command = waiting.pop(0)
        text = help_of(command)
        title = " ".join(["spikeloop", *command])
        parts.append(f"\n## {title}\n\n```text\n{text}```\n")
        waiting[:0] = [(*command, name) for name in subcommands(text)] if command else []
    return "".join(parts)


def help_of(command: tuple[str, ...]) -> str:
    """Return what ``spikeloop COMMAND --help`` prints, 88 columns wide and without colours."""
    environment = {
        **os.environ,
        "COLUMNS": "88",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    program = "import sys; from spikeloop.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, *command, "--help"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return unboxed(done.stdout)


def unboxed(text: str) -> str:
    """Return a help text without the boxes that a terminal shows round its groups of options."""
    text = re.sub(r"╭─ (.+?) ─*╮", r"\n\1:", text)
    text = re.sub(r"^│ ─+ │\n|^╰─+╯\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"^│(.*)│$", r" \1", text, flags=re.MULTILINE)
    lines = [line.rstrip() for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines).strip("\n")) + "\n"


def subcommands(text: str) -> list[str]:
    """Return the commands that a help text lists between braces in its usage line."""
    usage = text.split("\n\n")[0]
    listed = re.search(r"\{([\w,\s-]+)\}", usage)
    return [name.strip() for name in listed.group(1).split(",")] if listed else []


if __name__ == "__main__":
    main()
