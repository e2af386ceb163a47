"""``spikeloop simulate``: what there is, settings, refusals, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from spikeloop.cli.main import main
from spikeloop.cli.simulate import KINDS
from spikeloop.workflows import simulate_network
from spikeloop.workflows.simulate_network import Finished


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_alone_it_says_what_there_is(words, capsys):
    assert main(["simulate", *words]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in KINDS)
    assert said.rstrip().splitlines()[-1] == "  spikeloop simulate network --out network"


@pytest.mark.parametrize(
    ("word", "advice"),
    [("stp", "did you mean step?"), ("x", "known: step"), ("--out", "say what to simulate: step")],
)
def test_what_is_not_there_is_wrong_usage(word, advice, capsys):
    assert main(["simulate", word]) == 2
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize("name", KINDS)
def test_the_help_of_each_ends_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["simulate", name, "--help"])
    assert stop.value.code == 0
    words = capsys.readouterr().out
    assert words.startswith(f"usage: spikeloop simulate {name} ")
    assert words.rstrip().splitlines()[-1] == (f"  spikeloop simulate {name} --out {name}-results")
    assert "--overwrite" in words
    assert "--seed" in words


def test_flags_are_settings_and_the_folder_goes_to_stdout(tmp_path, capsys):
    out = tmp_path / "a folder"
    words = ["simulate", "step", "--current", "10", "--stop-ms", "400", "--out", str(out)]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{out}\n"
    config = (out / "config.toml").read_text()
    assert "current = 10.0\n" in config
    assert "stop_ms = 400.0\n" in config
    assert (
        f"spikeloop simulate step --current 10 --stop-ms 400 --out &#39;{out}&#39;"
        in (out / "report.html").read_text()
    )
    assert main(words) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


def test_a_config_makes_the_same_again_and_flags_win(tmp_path):
    first, again, other = (str(tmp_path / name) for name in ("first", "again", "other"))
    assert main(["simulate", "synapses", "--rate-hz", "9", "--seed", "5", "--out", first]) == 0
    config = ["--config", f"{first}/config.toml"]
    assert main(["simulate", "synapses", *config, "--out", again]) == 0
    assert main(["simulate", "synapses", *config, "--seed", "6", "--out", other]) == 0
    spikes = [(Path(out) / "inputs.npz").read_bytes() for out in (first, again, other)]
    assert spikes[0] == spikes[1] != spikes[2]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["network", "--dt-ms", "20"], 1, "is shorter than a tick, dt_ms=20.0"),
        (["network", "--probability", "2"], 1, "a probability must lie in 0..1"),
        (["recording", "--probe", "comb"], 1, "probe 'comb' is not known: choose one of tetrode"),
        (["step", "--durations", "3"], 2, "--duration-s"),
        (["coba", "--n-units", "3"], 2, "give 10 or more"),
        (["step", "--config=none.toml"], 1, "there is no such file"),
    ],
)
def test_refusals_leave_nothing(words, code, message, tmp_path, capsys):
    try:
        got = main(["simulate", *words, "--out", str(tmp_path / "out")])
    except SystemExit as stop:
        got = stop.code
    assert got == code
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_simulation_that_stopped_exits_with_1_and_names_its_folder(tmp_path, capsys, monkeypatch):
    status = "stopped at 3 ms: the potential of neuron 0 of cell overflowed."

    def run(out, config, **given):
        return Finished(out, status)

    monkeypatch.setattr(simulate_network, "run_network", run)
    assert main(["simulate", "step", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'out'}\n"
    assert f"the simulation {status} What it did is in {tmp_path / 'out'}." in said.err


def test_help_needs_no_heavy_import():
    script = (
        "import sys; from spikeloop.cli.main import main; main(['simulate', {}])\n"
        "heavy = {{'numpy', 'scipy', 'pandas', 'matplotlib', 'numba', 'jax'}} - {}\n"
        "sys.exit(f'imported {{heavy & set(sys.modules)}}' if heavy & set(sys.modules) else 0)"
    )
    for name, allowed in (("'--help'", "set()"), ("'step', '--help'", "{'numpy', 'scipy'}")):
        words = script.format(name, allowed).replace("main(['simulate'", "stopped(['simulate'")
        words = (
            "def stopped(words):\n    try:\n        main(words)\n    except SystemExit:\n"
            "        pass\n" + words
        )
        done = subprocess.run(
            [sys.executable, "-c", words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
