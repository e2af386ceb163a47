import pytest

from spikeloop.cli import data
from spikeloop.errors import FetchError, InvalidInputError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SPIKELOOP_DATA", str(tmp_path / "cache"))
    monkeypatch.delenv("SPIKELOOP_MIRROR", raising=False)
    return tmp_path / "cache"


def test_list_is_a_table_on_stdout(capsys, cache):
    assert data.main(["list"]) == 0
    out, err = capsys.readouterr()
    header, *rows = out.splitlines()
    assert header.split() == ["NAME", "FETCHED", "SIZE", "LICENCE", "WHAT"]
    assert [row.split()[:2] for row in rows[:2]] == [["h1", "no"], ["v4-190925", "no"]]
    assert all("GPL-3.0" in row for row in rows[1:])
    assert err == f"Kept in {cache}\n"


def test_list_marks_what_is_here(capsys, cache):
    (cache / "h1").mkdir(parents=True)
    (cache / "h1" / "c1p8.mat").touch()
    data.main(["list"])
    assert capsys.readouterr().out.splitlines()[1].split()[:2] == ["h1", "yes"]


def test_fetch_prints_the_folder_on_stdout_and_the_words_on_stderr(capsys, monkeypatch, cache):
    given = {}

    def fetch(name, *, source):
        given.update(name=name, source=source)
        return cache / name

    monkeypatch.setattr(data, "fetch_dataset", fetch)
    assert data.main(["fetch", "v4-210325", "--from", "here"]) == 0
    out, err = capsys.readouterr()
    assert given == {"name": "v4-210325", "source": "here"}
    assert out == f"{cache / 'v4-210325'}\n"
    assert "Licence: GPL-3.0" in err
    assert "Please cite: Cowley" in err
    assert f"Next: spikeloop characterize {cache / 'v4-210325'} --out" in err


def test_a_refusal_goes_up_to_the_door(capsys):
    with pytest.raises(FetchError, match="chapter 1, problem 8"):
        data.main(["fetch", "h1"])
    with pytest.raises(InvalidInputError, match="no data set 'h2'"):
        data.main(["fetch", "h2"])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("words", [[], ["fetch"], ["lst"], ["list", "h1"]])
def test_wrong_usage_exits_with_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        data.main(words)
    assert stop.value.code == 2
    assert "usage: spikeloop data" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["list", "--help"], ["fetch", "--help"]])
def test_help_ends_with_an_example(words, capsys):
    with pytest.raises(SystemExit) as stop:
        data.main(words)
    assert stop.value.code == 0
    _, example = capsys.readouterr().out.split("Example:\n")
    assert example.lstrip().startswith("spikeloop ")
