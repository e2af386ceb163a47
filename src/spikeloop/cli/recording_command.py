"""Commands that read one recording and make a results folder."""

import sys
from collections.abc import Callable
from pathlib import Path

from spikeloop.cli.arguments import Command, parse

_ALIASES = {"--rate": "--rate-hz"}


def run_on_recording(
    words: list[str],
    command: Command,
    arguments_type: type,
    config_type: type,
    run: Callable[..., Path],
) -> int:
    """Run what a command was asked; the path of the results folder goes to stdout.

    ``run(path, out, config, *, overwrite, resume, command)`` makes the folder. `arguments_type` has
    the fields ``path`` and ``output`` beside those of `config_type`.
    """
    flags = [_ALIASES.get(word, word) for word in words]
    given, config = parse(flags, command, arguments_type, config_type)
    out = run(
        given.path,
        given.output.out,
        config,
        overwrite=given.output.overwrite,
        resume=given.output.resume,
        command=command.typed(words),
    )
    sys.stdout.write(f"{out}\n")
    return 0
