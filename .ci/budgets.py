"""Check what ruff and import-linter do not: sizes, names of rooms, seeds, versions.

Run ``python .ci/budgets.py`` in a checkout. It prints each offence as ``path:line: what`` and
exits with 1 if there was one. A *code line* is a line with code on it: not blank, not a comment,
not part of a docstring.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
MAX_ARGUMENTS = 7
MAX_BYTES = 1_000_000
JUNK_ROOMS = {"util", "utils", "helper", "helpers", "common", "core", "misc"}
SEEDS = {"seed", "key", "rng", "random_state"}
# The command line and the configs behind it record the seed, so there a default is no secret.
MAY_DEFAULT_SEEDS = ("src/spikeloop/cli/", "src/spikeloop/workflows/")
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    """Print every offence, and return the exit code."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(offences(root))
    for offence in found:
        print(offence)
    print(f"budgets: {len(found)} offences", file=sys.stderr)
    return 1 if found else 0


def offences(root: Path) -> Iterator[str]:
    """Yield ``path:line: what`` for everything in the checkout that breaks a rule."""
    for path in files_of(root):
        name = path.relative_to(root).as_posix()
        if path.stat().st_size > MAX_BYTES:
            yield f"{name}:1: {path.stat().st_size} bytes; {MAX_BYTES} are allowed"
        if path.suffix == ".py":
            for line, what in python_offences(name, path.read_text(encoding="utf-8")):
                yield f"{name}:{line}: {what}"
    yield from version_offences(root)


def files_of(root: Path) -> list[Path]:
    """Return the files that git tracks or would track, so that leftovers do not count."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard", "--deduplicate"],
        check=True,
        capture_output=True,
        text=True,
    )
    paths = [root / name for name in listing.stdout.split("\0") if name]
    return sorted(path for path in paths if path.is_file())


def python_offences(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the wording of each offence in one Python file."""
    tree = ast.parse(text, name)
    n_lines = text.count("\n")
    if n_lines > MAX_FILE_LINES:
        yield MAX_FILE_LINES + 1, f"{n_lines} lines; {MAX_FILE_LINES} are allowed"
    junk = JUNK_ROOMS.intersection(Path(name).with_suffix("").parts)
    if junk:
        yield 1, f"called {junk.pop()!r}: name it after what it does"
    code = code_lines(text, tree)
    in_package = name.startswith("src/")
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield from function_offences(node, code, in_package=in_package)
    if in_package and not name.startswith(MAY_DEFAULT_SEEDS):
        yield from seed_offences(tree)


def function_offences(
    node: Function, code: set[int], *, in_package: bool
) -> Iterator[tuple[int, str]]:
    """Yield a function that is too long, or that takes too much."""
    n_lines = len(code.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
    if n_lines > MAX_FUNCTION_LINES:
        yield node.lineno, f"{node.name} has {n_lines} code lines; {MAX_FUNCTION_LINES} are allowed"
    n_arguments = sum(argument.arg not in {"self", "cls"} for argument in arguments_of(node))
    if in_package and n_arguments > MAX_ARGUMENTS:
        yield node.lineno, f"{node.name} takes {n_arguments} arguments; give it a config"


def code_lines(text: str, tree: ast.Module) -> set[int]:
    """Return the numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef | ast.Module) and ast.get_docstring(node):
            docstring = node.body[0]
            lines.difference_update(range(docstring.lineno, (docstring.end_lineno or 0) + 1))
    return lines


def arguments_of(node: Function) -> list[ast.arg]:
    """Return the named arguments of a function, positional and keyword."""
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]


def seed_offences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield randomness that would be used without anyone asking for it: a seed with a default."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            named = [*node.args.posonlyargs, *node.args.args]
            with_default = named[len(named) - len(node.args.defaults) :]
            for keyword, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
                with_default += [keyword] if default else []
            for argument in with_default:
                if argument.arg in SEEDS:
                    yield argument.lineno, f"{argument.arg} has a default; make it required"
        elif isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.AnnAssign) and line.value:
                    field = getattr(line.target, "id", "")
                    if field in SEEDS:
                        yield line.lineno, f"{field} has a default; make it required"


def version_offences(root: Path) -> Iterator[str]:
    """Yield each paper whose version is not that of pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["version"]
    places = {
        "src/spikeloop/__init__.py": r'^__version__ = "(.+)"$',
        "CHANGELOG.md": r"^## (\d\S*)",
        "CITATION.cff": r'^version: "?([^"\n]+)"?$',
    }
    for name, pattern in places.items():
        path = root / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        match = re.search(pattern, text, re.MULTILINE)
        if match is None:
            yield f"{name}:1: gives no version; pyproject.toml says {wanted}"
        elif match.group(1) != wanted:
            line = text[: match.start()].count("\n") + 1
            yield f"{name}:{line}: version {match.group(1)}; pyproject.toml says {wanted}"


if __name__ == "__main__":
    sys.exit(main())
