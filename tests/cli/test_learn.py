"""``spikeloop learn``: what there is, settings, results, refusals, exit codes."""

import csv

import numpy as np
import pytest

from spikeloop.cli.learn import KINDS
from spikeloop.cli.main import main
from spikeloop.learn import load_network, score

FEW = ["--max-epochs", "1", "--hidden", "4", "--n-trials", "40", "--n-draws", "2"]
SMALL = ["--task.n-fibres", "6", "--task.n-classes", "3", "--task.duration-ms", "40"]


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_alone_it_says_what_there_is(words, capsys):
    assert main(["learn", *words]) == 0
    said = capsys.readouterr().out
    assert all(f"\n  {name} " in said for name in KINDS)


@pytest.mark.parametrize(("word", "advice"), [("tming", "did you mean timing?"), ("x", "known: ")])
def test_what_is_not_there_is_wrong_usage(word, advice, capsys):
    assert main(["learn", word]) == 2
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize("name", KINDS)
def test_the_help_of_each_ends_with_an_example(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["learn", name, "--help"])
    assert stop.value.code == 0
    words = capsys.readouterr().out
    assert words.rstrip().splitlines()[-1] == f"  spikeloop learn {name} --out {name}-results"
    assert "--task." in words


def test_localization_is_learned_where_no_task_is_named(tmp_path, capsys):
    out = tmp_path / "learned"
    words = ["learn", "--ie-ratio", "0.25", *FEW, *SMALL, "--out", str(out)]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{out}\n"
    trained = load_network(out / "network.safetensors")
    assert (trained.signs() < 0).sum() == 3
    with open(out / "scores.csv", newline="") as file:
        rows = {row["who"]: row for row in csv.DictReader(file)}
    again = score(trained, seed=0, n_draws=2, n_trials=40)
    assert float(rows["network"]["accuracy"]) == pytest.approx(again.accuracy)
    assert {"ideal observer", "no inhibition"} <= rows.keys()
    with np.load(out / "answers.npz") as answers:
        np.testing.assert_array_equal(answers["answer.network"], again.answer)
    with np.load(out / "weights.npz") as weights:
        shapes = {name: weights[name].shape for name in weights.files}
    assert shapes["before.hidden.0.input"] == shapes["after.hidden.0.input"] == (12, 4)
    report = (out / "report.html").read_text()
    for words in ("Answers to each class", "Lesions", "One trial", "Weights by ear and lag"):
        assert words in report
    assert "25% of the units inhibit" in report


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("timing", ["--task.n-inputs", "8", "--task.n-classes", "2", "--ie-ratio", "None"]),
        ("digits", ["--task.duration-ms", "20", "--recurrent"]),
        ("timing", ["--task.n-inputs", "8", "--form", "interneurons", "--ie-ratio", "0.2"]),
        ("timing", ["--task.n-inputs", "8", "--longest-delay-ms", "4"]),
    ],
)
def test_other_tasks_are_learned_too(name, words, tmp_path):
    out = tmp_path / name
    assert main(["learn", name, *FEW, *words, "--out", str(out)]) == 0
    report = (out / "report.html").read_text()
    assert ("20% as many interneurons inhibit" in report) == ("interneurons" in words)
    has_delays = "--longest-delay-ms" in words
    assert ("Delays" in report) == has_delays
    with np.load(out / "weights.npz") as weights:
        assert ("delays_ms" in weights.files) == has_delays
    assert ("a network that generalizes may do better" in report) == (name == "digits")


def test_digits_for_testing_are_not_learned_from(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["learn", "digits", "--task.part", "test", "--out", str(tmp_path / "out")])
    assert stop.value.code != 0
    told = capsys.readouterr()
    assert "part='test': networks learn from the images for" in told.out + told.err


def test_sweep_has_a_row_for_each_network(tmp_path):
    out = tmp_path / "sweep"
    few = ["--max-epochs", "1", "--hidden", "4", "--n-trials", "40", "--n-networks", "2"]
    points = ["--ie-ratios", "0.0", "0.5", "1.0", "--taus-ms", "2.0"]
    assert main(["learn", "sweep", *points, *few, *SMALL, "--out", str(out)]) == 0
    with open(out / "sweep.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    silent = [float(row["accuracy"]) for row in rows if row["ie_ratio"] == "1.0"]
    assert silent
    assert max(silent) < 0.6
    assert "What Dale" in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ie-ratio", "1.5"], "ie_ratio=1.5: it is a share of the units, from 0 to 1"),
        (["--task.dt-ms", "0"], "dt_ms=0.0: it must be above 0"),
        (["--task.peak-rate-hz", "2000"], "peak_rate_hz=2000"),
        (["--hidden", "0"], "hidden=0: it must be a whole number, 1 or more"),
        (["--seed", "-1"], "seed=-1"),
        (["sweep", "--taus-ms", "0.1"], "none shorter than a tick"),
        (["sweep", "--ie-ratios", "0.5", "0.5"], "give each once"),
    ],
)
def test_settings_that_make_no_sense_are_wrong_usage(words, said, tmp_path, capsys):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as stop:
        main(["learn", *words, "--out", str(out)])
    assert stop.value.code == 2
    told = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert said in told
    assert not out.exists()


def test_time_constant_shorter_than_a_tick_is_refused_and_leaves_nothing(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["learn", "--tau-ms", "0.5", "--out", str(out)]) == 1
    assert "a time constant shorter than a tick, of 1 ms" in capsys.readouterr().err
    assert not out.exists()
