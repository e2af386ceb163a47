"""Pages that the code writes are current, and links between pages lead somewhere."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from spikeloop.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAPERS = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *DOCS.glob("*/*.md")]
CLI_PAGE = DOCS / "reference" / "cli.md"
CLI_FILES = {path.stem for path in (ROOT / "src" / "spikeloop" / "cli").glob("*.py")}

pytestmark = pytest.mark.skipif(
    not DOCS.exists(), reason="the docs belong to a checkout, and this is none"
)


def script(name, monkeypatch):
    """Import one of the scripts beside the pages."""
    monkeypatch.syspath_prepend(str(DOCS))
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_architecture_page_is_current(monkeypatch):
    architecture = script("generate_architecture", monkeypatch)
    written = architecture.PAGE.read_text(encoding="utf-8")
    if written != architecture.page():
        pytest.fail("docs/develop/architecture.md is stale: python docs/generate_architecture.py")


def test_the_architecture_page_names_every_room(monkeypatch):
    page = script("generate_architecture", monkeypatch).page()
    rooms = [path.parent.name for path in (ROOT / "src" / "spikeloop").glob("*/__init__.py")]
    assert [room for room in rooms if f"\n## {room}\n" not in page] == []


def test_every_room_has_a_sign(monkeypatch):
    architecture = script("generate_architecture", monkeypatch)
    for floor in architecture.layers():
        for room in floor:
            assert "no sign yet" not in architecture.sign(room), room


def test_the_command_line_page_is_current(monkeypatch):
    cli = script("generate_cli", monkeypatch)
    # How a help is laid out is up to the version of the parser; which flags there are is not.
    written, current = (
        re.findall(r"(?m)^ *(--[\w.-]+)", text)
        for text in (CLI_PAGE.read_text("utf-8"), cli.page())
    )
    assert len(current) > 30
    if written != current:
        pytest.fail("docs/reference/cli.md is stale: python docs/generate_cli.py")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command):
    assert command in CLI_FILES
    assert f"\n## spikeloop {command}\n" in CLI_PAGE.read_text(encoding="utf-8")


def test_subcommands_are_read_from_the_usage(monkeypatch):
    cli = script("generate_cli", monkeypatch)
    assert cli.subcommands("usage: spikeloop data [-h] {list,fetch}\n\nText {no}.") == [
        "list",
        "fetch",
    ]
    assert cli.subcommands("usage: spikeloop loop [-h] --out PATH\n\nText {no}.") == []


def test_the_boxes_of_a_terminal_are_taken_off(monkeypatch):
    cli = script("generate_cli", monkeypatch)
    boxed = """usage: x

╭─ options ──╮
│ about      │
│ ────────── │
│ --a  b     │
╰────────────╯
"""
    assert cli.unboxed(boxed) == "usage: x\n\noptions:\n  about\n  --a  b\n"


def test_the_benchmark_page_shows_every_row(monkeypatch):
    benchmarks = script("generate_benchmarks", monkeypatch)
    row = {
        "name": "speed/count_spikes", "wanted": "<= 0.15", "got": 0.0421, "unit": "s", "met": True,
        "spread": [0.04, 0.05], "cpu_s": 0.04, "peers": {"loop": 12.5}, "command": "python x.py",
        "machine": "x86_64", "date": "2026-01-02",
    }  # fmt: skip
    table = benchmarks.tables([row, {**row, "name": "accuracy/sta", "met": False, "spread": None}])
    assert table.index("## Accuracy") < table.index("## Speed")
    assert "| count spikes | <= 0.15 s | 0.0421 s (0.04 to 0.05) | yes | loop: 12.5 |" in table
    assert "| sta | <= 0.15 s | 0.0421 s | **no** |" in table
    assert benchmarks.tables([]) == "Nothing has been measured yet.\n"


def test_the_benchmark_page_reads_the_record(monkeypatch, tmp_path):
    benchmarks = script("generate_benchmarks", monkeypatch)
    benchmarks.write_benchmarks(tmp_path / "page.md")
    record = json.loads(benchmarks.RECORD.read_text()) if benchmarks.RECORD.exists() else {}
    lines = (tmp_path / "page.md").read_text(encoding="utf-8").splitlines()
    n_rows = sum(line.startswith("| ") for line in lines)
    n_headers = len({name.split("/")[0] for name in record})
    assert n_rows == len(record) + n_headers


@pytest.mark.parametrize("page", PAPERS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
