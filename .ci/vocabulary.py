"""Check the names of public arguments and fields against docs/develop/glossary.md.

Run ``python .ci/vocabulary.py`` in a checkout. The last column of each table in the glossary lists
what is never written. Three things are offences: a word or a suffix from that column, and two
names made of the same words in another order (``max_lag`` and ``lag_max``).
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from budgets import Function, arguments_of, files_of

GLOSSARY = "docs/develop/glossary.md"


def main() -> int:
    """Print every offence, and return the exit code."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    words, suffixes = banned((root / GLOSSARY).read_text(encoding="utf-8"))
    names = public_names(root)
    found = [
        *word_offences(names, words),
        *suffix_offences(names, suffixes),
        *order_offences(names),
    ]
    for offence in found:
        print(offence)
    print(f"vocabulary: {len(names)} names, {len(found)} offences", file=sys.stderr)
    return 1 if found else 0


def banned(glossary: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is never written, and what is written instead: words, and suffixes."""
    words: dict[str, str] = {}
    suffixes: dict[str, str] = {}
    for line in glossary.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) < 3 or not cells[0].startswith("`"):
            continue
        right = cells[0].split("`")[1]
        for wrong in re.findall(r"`([^`]+)`", cells[-1]):
            (suffixes if right.startswith("_") else words)[wrong] = right
    return words, suffixes


def public_names(root: Path) -> dict[str, str]:
    """Return each public argument or field name, and the first place where it stands."""
    places: dict[str, str] = {}
    for path in files_of(root):
        name = path.relative_to(root).as_posix()
        if name.startswith("src/") and path.suffix == ".py":
            for word, line in names_in(ast.parse(path.read_text(encoding="utf-8"))):
                places.setdefault(word, f"{name}:{line}")
    return places


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names that a caller must write: arguments and fields of what is public."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function | ast.ClassDef) and node.name.startswith("_"):
            continue
        if isinstance(node, Function):
            for argument in arguments_of(node):
                yield argument.arg, argument.lineno
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                    yield line.target.id, line.lineno
            yield from names_in(node)


def word_offences(names: dict[str, str], words: dict[str, str]) -> Iterator[str]:
    """Yield the names that use a word for which the glossary has another."""
    for name, place in names.items():
        for wrong, right in words.items():
            if f"_{wrong}_" in f"_{name}_" and f"_{right}_" not in f"_{name}_":
                yield f"{place}: {name}: the glossary writes {right} for {wrong}"


def suffix_offences(names: dict[str, str], suffixes: dict[str, str]) -> Iterator[str]:
    """Yield the names that end in a unit of another kind, or in another spelling of it."""
    for name, place in names.items():
        for wrong, right in suffixes.items():
            if name.endswith(wrong):
                yield f"{place}: {name}: the glossary writes {right} for {wrong}"


def order_offences(names: dict[str, str]) -> Iterator[str]:
    """Yield the names that another name says in another order."""
    first: dict[tuple[str, ...], str] = {}
    for name, place in names.items():
        known = first.setdefault(tuple(sorted(name.split("_"))), name)
        if known != name:
            yield f"{place}: {name}: {names[known]} calls it {known}"


if __name__ == "__main__":
    sys.exit(main())
