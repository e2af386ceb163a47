"""Commands that are followed by a kind: ``spikeloop simulate network``, ``spikeloop learn``."""

import difflib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from importlib import import_module

_HELP = """usage: spikeloop {name} [-h] {{{names}}} [OPTIONS]

{about}

{noun}:
{kinds}

options:
  -h, --help       show this text; spikeloop {name} {upper} --help tells the options of each

Example:
  {example}
"""


@dataclass(frozen=True)
class Kind:
    """What can follow a command, and where its settings and its workflow are."""

    what: str
    """A line for the list."""
    about: str
    """More, for its own help."""
    config: str
    """Where its settings are, as ``module:Class``."""
    run: str
    """The workflow, as ``module:function``: (out, config, ...) -> what came of it."""


@dataclass(frozen=True)
class KindsCommand:
    """A command, and the kinds that can follow it."""

    name: str
    about: str
    noun: str
    """What the kinds are called."""
    verb: str
    """What is done to one of them."""
    example: str
    kinds: Mapping[str, Kind]
    default: str | None = None
    """The kind that is meant where none is named."""

    def help_text(self) -> str:
        """Return what ``spikeloop NAME --help`` says."""
        kinds = "\n".join(f"  {name:<16} {kind.what}" for name, kind in self.kinds.items())
        return _HELP.format(
            name=self.name,
            names=",".join(self.kinds),
            about=self.about,
            noun=self.noun,
            upper=self.noun.upper(),
            kinds=kinds,
            example=self.example,
        )

    def run(self, words: list[str]) -> tuple[int, object]:
        """Do what was asked; return an exit code, and what came of it, or None."""
        name = words[0] if words else "--help"
        if name in ("-h", "--help"):
            sys.stdout.write(self.help_text())
            return 0, None
        rest = words[1:]
        if self.default and name.startswith("-"):
            name, rest = self.default, words
        if name not in self.kinds:
            sys.stderr.write(f"spikeloop {self.name}: {self._advice(name)}\n")
            return 2, None
        given, config = self._parse(name, rest)
        found = _from(self.kinds[name].run)(
            given.output.out,
            config,
            overwrite=given.output.overwrite,
            resume=given.output.resume,
            command=shlex.join(["spikeloop", self.name, *words]),
        )
        return 0, found

    def _advice(self, name: str) -> str:
        known = ", ".join(self.kinds)
        if name.startswith("-"):
            return f"say what to {self.verb}: {known}; try spikeloop {self.name} --help"
        near = difflib.get_close_matches(name, self.kinds, n=1)
        return f"there is no {name!r}; " + (
            f"did you mean {near[0]}?" if near else f"known: {known}"
        )

    def _parse(self, name: str, words: list[str]) -> tuple:
        from spikeloop.cli.arguments import Command, Flags, Output, parse

        kind = self.kinds[name]
        config_type = _from(kind.config)
        # The settings of the kind, and where the results go: all of them flags without a prefix.
        arguments_type = make_dataclass(
            "Arguments",
            [("output", Flags[Output])],
            bases=(config_type,),
            frozen=True,
            kw_only=True,
        )
        example = f"spikeloop {self.name} {name} --out {name}-results"
        command = Command(f"{self.name} {name}", kind.about, example)
        return parse(words, command, arguments_type, config_type)


def _from(place: str) -> object:
    module, name = place.split(":")
    return getattr(import_module(module), name)
