"""Write docs/develop/architecture.md from the signs on the rooms' doors.

Run ``python docs/generate_architecture.py`` after changing the docstring of a room's `__init__`,
or the layers in pyproject.toml.
"""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "spikeloop"
PAGE = ROOT / "docs" / "develop" / "architecture.md"

INTRODUCTION = """\
# Architecture

<!-- Written by docs/generate_architecture.py. Change the docstring of the room instead. -->

Few frozen nouns live in `data`; verbs live in rooms; rooms on one floor never import each other and
meet only in `workflows`. Each floor may import those below it. import-linter enforces this with
the contract in `pyproject.toml`, which is exhaustive: a room that the contract does not name is
refused.

A verb reads `result = verb(data, method, *, seed)`: the method is a frozen dataclass of settings,
the result a frozen dataclass of arrays, and `seed`, without a default, is there where chance is.

## Floors, from the top

"""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """Return the page: the floors, then the sign of each room that there is."""
    floors = layers()
    rooms = [room for floor in floors for room in floor]
    named = [" · ".join(f"`{room}`" for room in floor) for floor in floors]
    floor_lines = "".join(f"{i}. {names}\n" for i, names in enumerate(named, 1))
    signs = "".join(f"\n## {room}\n\n{sign(room)}\n" for room in rooms)
    return INTRODUCTION + floor_lines + signs


def layers() -> list[list[str]]:
    """Return the rooms that exist, floor by floor, as the import contract orders them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    floors = [re.findall(r"\w+", layer) for layer in contract["layers"]]
    rooms = [[room for room in floor if room[0] != "_"] for floor in floors]
    return [[room for room in floor if source(room).exists()] for floor in rooms if floor]


def source(room: str) -> Path:
    """Return the file that carries the sign of a room."""
    folder = PACKAGE / room
    return folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")


def sign(room: str) -> str:
    """Return the docstring of a room in Markdown, and what each of its files is about."""
    text = _docstring(source(room)).replace("::\n", ":\n")
    text = re.sub(r"\n\n((?:    .*\n?)+)", _fenced, text + "\n").strip()
    text = re.sub(r"(?<=\S)\n(?=(In|In and out|Axes|May import):|Start reading)", "\n\n", text)
    parts = [text, _contents(PACKAGE / room)]
    for floor in sorted(path.parent for path in (PACKAGE / room).glob("*/__init__.py")):
        parts += [f"### {room}/{floor.name}", _docstring(floor / "__init__.py"), _contents(floor)]
    return "\n\n".join(part for part in parts if part)


def _contents(folder: Path) -> str:
    """Return a line on each file of a folder."""
    files = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
    return "\n".join(f"* `{path.name}`: {_docstring(path).splitlines()[0]}" for path in files)


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "(no sign yet)"


def _fenced(match: re.Match[str]) -> str:
    body = "\n".join(line[4:] for line in match.group(1).rstrip().split("\n"))
    return f"\n\n```text\n{body}\n```\n"


if __name__ == "__main__":
    main()
