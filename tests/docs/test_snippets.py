"""Every Python snippet of the README and of the docs runs, page by page, in an empty folder."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*/*.md"))]
SNIPPET = re.compile(r"^( *)```python\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)

pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").exists(), reason="the docs belong to a checkout, and this is none"
)


def snippets(page):
    return [textwrap.dedent(body) for _, body in SNIPPET.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.exists() and snippets(page)], ids=lambda page: page.name
)
def test_the_snippets_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(snippets(page))
    exec(compile(code, str(page), "exec"), {"__name__": "__snippets__"})  # noqa: S102 - our own pages


def test_the_readme_has_a_short_example():
    blocks = snippets(README)
    assert blocks, "README.md has no ```python block"
    assert 1 <= len(blocks[0].splitlines()) <= 15


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_readme_promises_one_command_that_makes_its_own_environment(name):
    found = re.findall(rf"<!-- ci: {name} -->\s*```bash\n(.+?)\n```", README.read_text("utf-8"))
    assert len(found) == 1
    assert found[0].startswith("python3 -m venv .venv && .venv/bin/pip install ")
