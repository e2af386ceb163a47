"""From the words of a command line to a frozen dataclass, with a TOML file underneath."""

import shlex
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro

from spikeloop.io.config import read_config

Arguments = TypeVar("Arguments")
Config = TypeVar("Config")
Flags = Annotated[TypeVar("Fields"), tyro.conf.arg(name="")]
"""Marks a field that is a dataclass: its fields become flags without a prefix."""


@dataclass(frozen=True)
class Output:
    """Where the results go."""

    out: Path
    """The results folder to make."""
    overwrite: bool = False
    """Replace the results folder if it is there, once the new one is complete."""
    resume: bool = False
    """Go on with a run of the same settings that was cut off."""


@dataclass(frozen=True)
class Command:
    """What a command is called, and what its help says."""

    name: str
    about: str
    example: str

    def typed(self, words: list[str]) -> str:
        """Return the command as it can be typed again."""
        return shlex.join(["spikeloop", self.name, *words])


def parse(
    words: list[str], command: Command, arguments_type: type[Arguments], config_type: type[Config]
) -> tuple[Arguments, Config]:
    """Return the arguments of a command and its config, or show help or a mistake and exit.

    --config FILE is read first; the flags beside it win. The fields of `config_type` must be
    fields of `arguments_type` too, beside ``output: Flags[Output]`` and what else it asks for.

    Raises
    ------
    InvalidInputError, BadFileError
        The TOML file cannot be read as the settings of this command.
    """
    words, file = _without_config(words)
    config = read_config(file, config_type) if file else config_type()
    settings = {field.name: getattr(config, field.name) for field in fields(config_type)}
    default: dict[str, Any] = {field.name: tyro.MISSING for field in fields(arguments_type)}
    default |= {"output": Output(out=tyro.MISSING), **settings}
    try:
        given = tyro.cli(
            arguments_type,
            prog=f"spikeloop {command.name}",
            description=command.about,
            args=words,
            default=arguments_type(**default),
        )
    except SystemExit as stop:
        if stop.code == 0:
            sys.stdout.write(
                "--config FILE reads settings from a TOML file; flags beside it win.\n\n"
                f"Example:\n  {command.example}\n"
            )
        raise
    return given, config_type(**{name: getattr(given, name) for name in settings})


def _without_config(words: list[str]) -> tuple[list[str], Path | None]:
    """Take `--config FILE` or `--config=FILE` out of the words."""
    for i, word in enumerate(words):
        if word.startswith("--config="):
            return words[:i] + words[i + 1 :], Path(word.partition("=")[2])
        if word == "--config" and i + 1 < len(words):
            return words[:i] + words[i + 2 :], Path(words[i + 1])
    return words, None
