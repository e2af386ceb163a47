"""The house's own rules: the checks of `.ci` catch what they are for, and the repository passes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHECKS = ROOT / ".ci"
pytestmark = pytest.mark.skipif(
    not CHECKS.exists() or shutil.which("git") is None,
    reason="the checks belong to a git checkout, and this is none",
)

GLOSSARY = """
| Word | Means | Never |
|---|---|---|
| `unit` | A cell. | `neuron`, `n_neurons` |
| `sample_rate_hz` | Samples per second. | `sampling_rate`, `sample_rate` |

| Suffix | Quantity | Never |
|---|---|---|
| `_s` | Time. | `_ms`, `_sec` |
"""


@pytest.fixture
def house(tmp_path):
    """A small checkout that keeps every rule."""
    files = {
        "pyproject.toml": '[project]\nname = "spikeloop"\nversion = "1.2.0"\n',
        "CHANGELOG.md": "# Changelog\n\n## 1.2.0\n\n## 1.1.0\n",
        "CITATION.cff": "cff-version: 1.2.0\nversion: 1.2.0\n",
        "src/spikeloop/__init__.py": '__version__ = "1.2.0"\n',
        "docs/develop/glossary.md": GLOSSARY,
    }
    for name, text in files.items():
        plant(tmp_path, name, text)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def plant(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def check(script, root):
    done = subprocess.run(
        [sys.executable, str(CHECKS / script), str(root)], capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("script", ["budgets.py", "vocabulary.py"])
def test_the_repository_keeps_its_own_rules(script):
    code, found = check(script, ROOT)
    assert code == 0, found


@pytest.mark.parametrize("script", ["budgets.py", "vocabulary.py"])
def test_a_clean_house_passes(house, script):
    assert check(script, house) == (0, "")


VIOLATIONS = {
    "long file": ("src/spikeloop/data/x.py", "# a line\n" * 401, ":401: 401 lines"),
    "long function": (
        "src/spikeloop/data/x.py",
        "def f():\n" + "    x = 1\n" * 40,
        "x.py:1: f has 41 code lines",
    ),
    "many arguments": (
        "src/spikeloop/data/x.py",
        "class A:\n    def f(self, a, b, c, d, e, /, f, g, *, h): pass\n",
        "x.py:2: f takes 8 arguments",
    ),
    "seed": (
        "src/spikeloop/data/x.py",
        "def f(x, *, seed=0): pass\n",
        "x.py:1: seed has a default",
    ),
    "key": ("src/spikeloop/data/x.py", "def f(x, key=None): pass\n", "x.py:1: key has a default"),
    "seed field": (
        "src/spikeloop/data/x.py",
        "class A:\n    seed: int = 0\n",
        "x.py:2: seed has a default",
    ),
    "junk file": ("src/spikeloop/data/utils.py", "", "utils.py:1: called 'utils'"),
    "junk room": ("src/spikeloop/core/x.py", "", "core/x.py:1: called 'core'"),
    "large file": ("data.bin", "x" * 1_000_001, "data.bin:1: 1000001 bytes"),
    "changelog": ("CHANGELOG.md", "# Changelog\n\n## 1.1.0\n", "CHANGELOG.md:3: version 1.1.0"),
    "citation": ("CITATION.cff", "cff-version: 1.2.0\n", "CITATION.cff:1: gives no version"),
    "__version__": (
        "src/spikeloop/__init__.py",
        '"""x"""\n__version__ = "1.2"\n',
        "__init__.py:2: version 1.2",
    ),
}


@pytest.mark.parametrize("kind", VIOLATIONS)
def test_a_planted_violation_is_found(house, kind):
    name, text, wanted = VIOLATIONS[kind]
    plant(house, name, text)
    code, found = check("budgets.py", house)
    assert code == 1
    assert wanted in found
    assert len(found.splitlines()) == 1


ALLOWED = {
    "docstrings are free": 'def f():\n    """\n' + "    text\n" * 50 + '    """\n    return 1\n',
    "comments are free": "def f():\n" + "    # why\n\n" * 50 + "    return 1\n",
    "a seed that is asked for": "def f(x=1, *, seed): pass\nclass A:\n    seed: int\n",
    "seven arguments and self": "class A:\n    def f(self, a, b, c, d, e, f, g): pass\n",
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_is_allowed_passes(house, kind):
    plant(house, "src/spikeloop/data/x.py", ALLOWED[kind])
    assert check("budgets.py", house) == (0, "")


def test_the_command_line_may_default_its_seed(house):
    plant(house, "src/spikeloop/workflows/x.py", "class A:\n    seed: int = 0\n")
    assert check("budgets.py", house) == (0, "")


def test_what_git_ignores_is_not_checked(house):
    plant(house, ".gitignore", "build/\n")
    plant(house, "build/utils.py", "# a line\n" * 500)
    assert check("budgets.py", house) == (0, "")


WORDS = {
    "def f(n_neurons): pass": "n_neurons: the glossary writes unit",
    "def f(*, sampling_rate): pass": "sampling_rate: the glossary writes sample_rate_hz",
    "def f(sample_rate): pass": "sample_rate: the glossary writes sample_rate_hz",
    "def f(window_ms): pass": "window_ms: the glossary writes _s for _ms",
    "class A:\n    duration_sec: float": "x.py:2: duration_sec: the glossary writes _s for _sec",
    "def f(max_lag): pass\ndef g(lag_max): pass": "x.py:2: lag_max: src/spikeloop/data/x.py:1",
}


@pytest.mark.parametrize("source", WORDS)
def test_a_word_that_the_glossary_does_not_write_is_found(house, source):
    plant(house, "src/spikeloop/data/x.py", source + "\n")
    code, found = check("vocabulary.py", house)
    assert code == 1
    assert WORDS[source] in found


@pytest.mark.parametrize(
    "source", ["def f(sample_rate_hz, n_units): pass", "def _f(n_neurons): pass", "n_neurons = 3"]
)
def test_good_words_and_private_ones_pass(house, source):
    plant(house, "src/spikeloop/data/x.py", source + "\n")
    assert check("vocabulary.py", house) == (0, "")
