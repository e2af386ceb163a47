"""The door: help without heavy imports, exit codes, one line per refusal."""

import subprocess
import sys

import pytest

from spikeloop.cli.main import COMMANDS, main


def test_help_names_every_command_and_ends_with_an_example(capsys):
    assert main(["--help"]) == 0
    words = capsys.readouterr().out
    assert all(f"\n  {name}" in words for name in COMMANDS)
    assert words.rstrip().splitlines()[-1].strip().startswith("spikeloop loop")
    assert main([]) == 0


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "spikeloop 0.1.0\n"


@pytest.mark.parametrize(
    ("word", "advice"), [("charcterize", "did you mean characterize?"), ("x", "known: loop")]
)
def test_an_unknown_command_is_wrong_usage(word, advice, capsys):
    assert main([word]) == 2
    assert advice in capsys.readouterr().err


def test_a_refusal_is_one_line_and_exit_code_1(tmp_path, capsys):
    code = main(["characterize", str(tmp_path / "none.nwb"), "--out", str(tmp_path / "out")])
    said = capsys.readouterr()
    assert code == 1
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("spikeloop characterize: ")
    assert "none.nwb does not exist" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["loop", "characterize", "encode"])
def test_the_help_of_a_command_ends_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    words = capsys.readouterr().out
    assert words.rstrip().splitlines()[-1].startswith(f"  spikeloop {command} ")
    assert "--overwrite" in words


@pytest.mark.parametrize(
    "words",
    [
        ["characterize"],
        ["characterize", "a.nwb"],
        ["encode", "a.nwb"],
        ["loop", "--out", "x", "--no-such-flag"],
        ["loop", "--out", "x", "--seed", "many"],
    ],
)
def test_wrong_usage_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert capsys.readouterr().err


def test_settings_come_from_toml_and_flags_win(tmp_path, capsys):
    (tmp_path / "c.toml").write_text("seeed = 3\n")
    arguments = ["loop", "--out", str(tmp_path / "out"), f"--config={tmp_path / 'c.toml'}"]
    assert main(arguments) == 1
    assert "no setting seeed. Did you mean seed?" in capsys.readouterr().err


def test_help_needs_no_heavy_import():
    script = (
        "import sys; from spikeloop.cli.main import main; main(['--help']);"
        "heavy = {'numpy', 'scipy', 'pandas', 'matplotlib', 'numba'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_was_not_foreseen_is_one_line_too(monkeypatch, capsys):
    def broken(words):
        raise RuntimeError("a bug")

    monkeypatch.setattr("spikeloop.cli.data.main", broken)
    assert main(["data", "list"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("spikeloop data: RuntimeError: a bug. This was not foreseen")
    assert said.count("\n") == 1
    monkeypatch.setenv("SPIKELOOP_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        main(["data", "list"])


def test_an_interruption_is_no_traceback(monkeypatch, capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr("spikeloop.cli.data.main", interrupted)
    assert main(["data", "list"]) == 1
    assert "interrupted" in capsys.readouterr().err


def test_a_reader_who_has_gone_is_no_error_with_a_traceback():
    script = "import sys; from spikeloop.cli.main import main; sys.exit(main(['data', 'list']))"
    command = f'"{sys.executable}" -c "{script}" | head -c0'
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("seed", ["-1", str(2**64)])
def test_a_seed_out_of_range_is_refused(seed, tmp_path, capsys):
    code = main(["loop", "--seed", seed, "--out", str(tmp_path / "out")])
    assert code == 1
    assert "in 0..2^63 - 1" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
