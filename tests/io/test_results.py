"""A results folder is complete or absent, and goes on where it was cut off."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from spikeloop.errors import InvalidInputError, ResultsFolderError
from spikeloop.io.results import Run, from_arrays, open_results, sha256_of, to_arrays


@dataclass(frozen=True)
class Settings:
    level: int = 1


SETTINGS = Settings()


@dataclass(frozen=True, eq=False)
class Answer:
    values: np.ndarray
    total: float
    names: np.ndarray | None = None


def answer() -> Answer:
    return Answer(np.arange(3.0), 3.0, np.array(["a", "b", "c"]))


def never() -> Answer:
    raise AssertionError("this step was kept and must not be computed again")


def run_until(out, error, settings=SETTINGS, **options):
    """Keep one step, then end by `error`."""
    with open_results(out, Run("job", settings), **options) as folder:
        folder.result("answer", Answer, answer)
        raise error


def cut_off(out):
    with pytest.raises(KeyboardInterrupt):
        run_until(out, KeyboardInterrupt)


def test_a_finished_folder_tells_the_hash_of_every_file(tmp_path):
    run = Run("job", Settings(level=2), {"in.npz": "abc"}, command="spikeloop job")
    with open_results(tmp_path / "out", run) as folder:
        folder.result("answer", Answer, answer)
        assert not (tmp_path / "out").exists()
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert set(manifest["files"]) == {"answer.npz", "config.toml"}
    for name, entry in manifest["files"].items():
        assert entry["sha256"] == sha256_of(tmp_path / "out" / name)
    assert manifest["config"] == {"level": 2}
    assert manifest["inputs"] == {"in.npz": "abc"}
    assert manifest["versions"]["numpy"] == np.__version__
    assert (tmp_path / "out/config.toml").read_text() == "level = 2\n"
    assert not (tmp_path / "out.partial").exists()


def test_results_come_back_as_they_were_stored(tmp_path):
    with open_results(tmp_path / "out", Run("job", SETTINGS)) as folder:
        folder.result("answer", Answer, answer)
    again = from_arrays(Answer, tmp_path / "out/answer.npz")
    assert again.total == 3.0
    assert again.names.tolist() == ["a", "b", "c"]
    with pytest.raises(TypeError, match=r"Answer.values cannot be stored"):
        to_arrays(Answer(np.array([{}], dtype=object), 0.0))


def test_a_run_that_was_refused_leaves_nothing(tmp_path):
    with pytest.raises(InvalidInputError, match="refused"):
        run_until(tmp_path / "out", InvalidInputError("refused"))
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_cut_off_goes_on(tmp_path):
    cut_off(tmp_path / "out")
    with open_results(tmp_path / "out", Run("job", SETTINGS), resume=True) as folder:
        assert folder.result("answer", Answer, never).total == 3.0
        assert folder.reused == ["answer.npz"]
    assert (tmp_path / "out/manifest.json").exists()


def test_a_step_that_was_tampered_with_is_computed_again(tmp_path):
    cut_off(tmp_path / "out")
    (tmp_path / "out.partial/answer.npz").write_bytes(b"half a file")
    with open_results(tmp_path / "out", Run("job", SETTINGS), resume=True) as folder:
        folder.result("answer", Answer, answer)
        assert folder.reused == []


def test_a_process_killed_in_the_middle_of_a_step_leaves_a_folder_to_resume(tmp_path):
    script = f"""
import os, signal, sys
sys.path.insert(0, {str(tmp_path)!r})
from settings import Settings
from spikeloop.io.results import Run, open_results
def half(path):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
with open_results({str(tmp_path / "out")!r}, Run("job", Settings())) as folder:
    folder.file("first.txt", lambda path: path.write_text("done"))
    folder.file("second.txt", half)
"""
    (tmp_path / "settings.py").write_text(
        "from dataclasses import dataclass\n"
        "@dataclass(frozen=True)\nclass Settings:\n    level: int = 1\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert not (tmp_path / "out").exists()
    with open_results(tmp_path / "out", Run("job", SETTINGS), resume=True) as folder:
        folder.file("first.txt", lambda path: pytest.fail("kept, yet written again"))
        folder.file("second.txt", lambda path: path.write_text("whole"))
    assert (tmp_path / "out/second.txt").read_text() == "whole"
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert set(manifest["files"]) == {"config.toml", "first.txt", "second.txt"}


def test_another_run_is_not_resumed(tmp_path):
    cut_off(tmp_path / "out")
    with (
        pytest.raises(ResultsFolderError, match=r"config.level was 1 and is 5"),
        open_results(tmp_path / "out", Run("job", Settings(level=5)), resume=True),
    ):
        pass


def test_what_is_in_the_way_is_left_alone(tmp_path):
    run = Run("job", SETTINGS)
    (tmp_path / "papers").mkdir()
    cut_off(tmp_path / "out")
    for out, overwrite, message in [
        ("out", False, "holds a run that was cut off. Go on with --resume"),
        ("papers", False, "exists already.*--overwrite"),
        ("papers", True, r"is not a results folder as a run leaves it \(no manifest"),
    ]:
        with (
            pytest.raises(ResultsFolderError, match=message),
            open_results(tmp_path / out, run, overwrite=overwrite),
        ):
            pass
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ResultsFolderError, match="cannot be written"),
        open_results(tmp_path / "file/out", run),
    ):
        pass


def test_overwriting_replaces_the_old_folder_only_when_the_new_one_is_whole(tmp_path):
    for level in (1, 2):
        with open_results(tmp_path / "out", Run("job", Settings(level)), overwrite=True):
            pass
    assert (tmp_path / "out/config.toml").read_text() == "level = 2\n"
    with pytest.raises(InvalidInputError, match="refused"):
        run_until(tmp_path / "out", InvalidInputError("refused"), Settings(3), overwrite=True)
    assert (tmp_path / "out/config.toml").read_text() == "level = 2\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_appeared_meanwhile_is_left_alone(tmp_path):
    def run():
        with open_results(tmp_path / "out", Run("job", SETTINGS)):
            (tmp_path / "out").mkdir()
            (tmp_path / "out/mine.txt").write_text("precious")

    with pytest.raises(ResultsFolderError, match="exists already"):
        run()
    assert (tmp_path / "out/mine.txt").read_text() == "precious"


def test_overwriting_spares_a_folder_with_anything_else_in_it(tmp_path):
    for _ in range(2):
        with open_results(tmp_path / "out", Run("job", SETTINGS), overwrite=True):
            pass
    (tmp_path / "out/mine.txt").write_text("precious")
    with (
        pytest.raises(ResultsFolderError, match=r"as a run leaves it \(mine\.txt\)"),
        open_results(tmp_path / "out", Run("job", SETTINGS), overwrite=True),
    ):
        pass
    assert (tmp_path / "out/mine.txt").exists()


def test_a_partial_folder_that_no_run_left_is_not_touched(tmp_path):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/mine.txt").write_text("precious")
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with (
            pytest.raises(ResultsFolderError, match="was not left by a run"),
            open_results(tmp_path / "out", Run("job", SETTINGS), **options),
        ):
            pass
    assert (tmp_path / "out.partial/mine.txt").exists()


@pytest.mark.skipif(os.name != "posix", reason="other systems do not tell whether a process lives")
def test_a_folder_in_which_another_run_works_is_left_to_it(tmp_path):
    cut_off(tmp_path / "out")
    (tmp_path / "out.partial/run.pid").write_text("1")  # the first process of all is always there
    for options in ({}, {"overwrite": True}, {"resume": True}):
        with (
            pytest.raises(ResultsFolderError, match="Process 1 is still working in"),
            open_results(tmp_path / "out", Run("job", SETTINGS), **options),
        ):
            pass


def test_a_link_to_a_results_folder_stays_a_link(tmp_path):
    with open_results(tmp_path / "real", Run("job", SETTINGS)):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    with open_results(tmp_path / "link", Run("job", Settings(2)), overwrite=True):
        pass
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/config.toml").read_text() == "level = 2\n"


def test_what_the_disk_refuses_is_said_and_leaves_nothing(tmp_path):
    def full(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with (
        pytest.raises(
            ResultsFolderError, match=r"cannot be written: No space left.*Check the path"
        ),
        open_results(tmp_path / "out", Run("job", SETTINGS)) as folder,
    ):
        folder.file("a.bin", full)
    assert list(tmp_path.iterdir()) == []
