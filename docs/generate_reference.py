"""Write the pages of the reference, one for each room, from the package's public names.

The build of the docs calls `write_reference`; its pages are not kept in the repository.
"""

import ast
from pathlib import Path

from generate_architecture import PACKAGE, layers


def write_reference(folder: Path) -> None:
    """Write a page for each room that exists, and drop those of rooms that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    # The command line has a page of its own, made of what it says about itself.
    rooms = [room for floor in layers() for room in floor if room != "cli"]
    for old in folder.glob("*.md"):
        if old.stem not in rooms:
            old.unlink()
    for room in rooms:
        page = folder / f"{room}.md"
        text = room_page(room)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")


def room_page(room: str) -> str:
    """Return the page of a room: its sign, then each file with what is public in it."""
    folder = PACKAGE / room
    if not folder.is_dir():
        return f"# {room}\n\n" + _automodule(f"spikeloop.{room}", members=True)
    parts = [f"# {room}\n\n", _automodule(f"spikeloop.{room}", members=False)]
    for path in sorted(folder.rglob("*.py")):
        if path.stem != "__init__" and _has_public_names(path):
            module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
            title = module.removeprefix(f"{room}.")
            parts += [f"\n## {title}\n\n", _automodule(f"spikeloop.{module}", members=True)]
    return "".join(parts)


def _has_public_names(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    defined = [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return not path.stem.startswith("_") and any(node.name[0] != "_" for node in defined)


def _automodule(module: str, *, members: bool) -> str:
    options = ":members:\n:member-order: bysource\n" if members else ""
    return f"```{{eval-rst}}\n.. automodule:: {module}\n{_indented(options)}```\n"


def _indented(options: str) -> str:
    return "".join(f"   {line}\n" for line in options.splitlines())
