"""The report is one page that holds everything, runs nothing and asks for nothing."""

import base64
import re
from functools import cache
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.figure import Figure

from spikeloop.errors import InvalidInputError
from spikeloop.viz import (
    KeyNumber,
    Report,
    ReportFigure,
    ReportTable,
    Section,
    embed_figure,
    plot_raster,
    plot_rates,
    render_report,
)
from spikeloop.viz.tables import format_column, format_value, to_csv

EVIL = "<script>alert('x')</script>"


class Outline(HTMLParser):
    """Checks that tags close in order, and collects what they hold."""

    VOID = frozenset({"meta", "img", "br", "link", "input", "hr"})

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.ids = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@cache
def page_of_all():
    return render_report(report())


def outline(page):
    parser = Outline()
    parser.feed(page)
    assert parser.open == []
    return parser


def report():
    pictures = [
        ReportFigure("Rates", plot_rates([1.0, 2.0]).figure, "How often.", alt="A histogram."),
        ReportFigure(EVIL, plot_rates([1.0, 5.0]).figure, EVIL),
    ]
    table = ReportTable(
        "Units", ["unit", EVIL], [[EVIL, 0.123456], ["b", float("nan")]], "One row per unit."
    )
    sections = [
        Section("First", f"Words.\n\nMore {EVIL}", pictures),
        Section(EVIL, tables=[table]),
    ]
    return Report(
        f"Session {EVIL}",
        sections,
        subtitle=EVIL,
        key_numbers=[KeyNumber("units", 1184297, EVIL), KeyNumber("oracle", np.nan)],
        warnings=[EVIL],
        provenance={"seed": 7, "config": {"window_s": (0.0, 0.25), "note": EVIL}},
    )


def test_the_page_is_well_formed():
    parsed = outline(page_of_all())
    tags = [tag for tag, _ in parsed.tags]
    assert tags.count("h1") == 1
    assert tags.count("figure") == 2
    assert dict(parsed.tags)["html"] == {"lang": "en"}
    assert len(parsed.ids) == len(set(parsed.ids))
    targets = [attrs["href"][1:] for tag, attrs in parsed.tags if attrs.get("href", "")[:1] == "#"]
    assert targets == ["section-1", "section-2", "provenance"]
    assert set(targets) <= set(parsed.ids)
    assert [attrs["alt"] for tag, attrs in parsed.tags if tag == "img"] == ["A histogram.", EVIL]
    assert (
        "meta",
        {"name": "viewport", "content": "width=device-width, initial-scale=1"},
    ) in parsed.tags


def test_nothing_is_fetched_and_nothing_runs():
    page = page_of_all()
    assert not re.search(r"https?://", page)
    parsed = outline(page)
    assert not {tag for tag, _ in parsed.tags} & {"script", "iframe", "link", "object", "embed"}
    for _, attrs in parsed.tags:
        assert not [name for name in attrs if name.startswith("on")]
        for name in ("src", "href"):
            assert attrs.get(name, "data:").startswith(("data:", "#"))
    assert "default-src 'none'" in page


def test_text_is_escaped_wherever_it_stands():
    page = page_of_all()
    assert EVIL not in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 11


def test_a_page_without_anything_is_a_page():
    page = render_report(Report("Nothing", []))
    assert outline(page)
    assert "How this was made" not in page


def test_the_same_report_gives_the_same_bytes():
    first = report()
    assert render_report(first) == render_report(first) == page_of_all()


def test_provenance_is_flat_and_exact():
    page = render_report(Report("a", [], provenance={"x": {"y": 0.123456789}, "sha256": "ab" * 32}))
    assert '<th scope="row">x.y</th><td>0.123456789</td>' in page
    assert "ab" * 32 in page


def test_long_tables_are_cut_and_carried_whole():
    rows = [[i, i / 7] for i in range(100)]
    page = render_report(
        Report("a", [Section("b", tables=[ReportTable("All <units>", ["i", "x"], rows)])])
    )
    parsed = outline(page)
    assert [tag for tag, _ in parsed.tags].count("tr") == 1 + 40
    assert "The first 40 of 100 rows." in page
    (link,) = [attrs for tag, attrs in parsed.tags if tag == "a" and "download" in attrs]
    assert link["download"] == "all-units.csv"
    text = base64.b64decode(link["href"].split(",", 1)[1]).decode()
    assert text == to_csv(["i", "x"], rows)
    assert float(text.splitlines()[-1].split(",")[1]) == 99 / 7


def test_undefined_values_have_a_footnote():
    page = page_of_all()
    assert '<td class="right">–</td>' in page
    assert "not defined" in page
    table = ReportTable("t", ["x"], [[1.0]])
    assert "not defined" not in render_report(Report("a", [Section("b", tables=[table])]))


def test_rows_must_fit_the_columns():
    with pytest.raises(InvalidInputError, match="row 1 of table 't' has 1 cells: there are 2"):
        ReportTable("t", ["a", "b"], [[1, 2], [3]])


def test_line_art_is_svg_and_dense_art_is_png():
    assert embed_figure(plot_rates([1.0, 2.0]).figure).uri.startswith("data:image/svg+xml")
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().scatter(*np.random.default_rng(0).normal(size=(2, 9000)), s=1)
    assert embed_figure(figure).uri.startswith("data:image/png")


def test_svg_says_nothing_of_when_it_was_made():
    uri = embed_figure(plot_rates([1.0, 2.0]).figure).uri
    assert b"<dc:date>" not in base64.b64decode(uri.split(",", 1)[1])


def test_too_large_a_report_falls_back_and_then_refuses():
    noise = np.random.default_rng(0).normal(size=(20, 10))
    big = Report(
        "big", [Section("a", figures=[ReportFigure("f", plot_raster(noise, bin_s=1).figure, "")])]
    )
    as_svg = render_report(big)
    assert "data:image/svg+xml" in as_svg
    with pytest.raises(InvalidInputError, match=r"takes [\d,]+ bytes: it may take 10,000"):
        render_report(big, most_bytes=10_000)
    lines = Report("lines", [Section("a", figures=[ReportFigure("f", _long_trace(), "")])])
    n_svg = len(render_report(lines).encode())
    assert "data:image/png" in render_report(lines, most_bytes=n_svg - 1)


def _long_trace():
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot(np.random.default_rng(0).normal(size=4000), color="k", lw=0.2)
    return figure


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float32(0.5), "0.5"),
        (np.int64(-3), "−3"),
        (-0.25, "−0.25"),
        (0.0, "0"),
        (999.7, "1,000"),
        (1e9, "1 × 10⁹"),
        (2.5e9, "2.5 × 10⁹"),
        (float("inf"), "∞"),
        (-float("inf"), "−∞"),
        (None, "–"),
        (np.bool_(False), "no"),
        ("a", "a"),
    ],
)
def test_numbers_are_sensible(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ([45.2, 0.021, 3], ["45.20", "0.02", "3"]),
        ([1234.5, 2.0], ["1,234", "2"]),
        ([0.00001, 0.5], ["< 0.001", "0.500"]),
        ([-0.0004, 0.0004, 0.5], ["−0.000", "0.000", "0.500"]),
        ([-1e-9, 0.5, -0.5], ["0.000", "0.500", "−0.500"]),
        ([1e-5, 2e-5], ["1 × 10⁻⁵", "2 × 10⁻⁵"]),
        ([float("inf"), 0.5], ["∞", "0.500"]),
        (["a", True], ["a", "yes"]),
        ([], []),
    ],
)
def test_columns_align(column, text):
    assert format_column(column) == text


def test_csv_holds_no_formula():
    text = to_csv(["=x"], [["+1"], ["-1"], ["@a"], [-1.5], [np.float64(0.1)], [None], ["a,b"]])
    assert text.splitlines() == ["'=x", "'+1", "'-1", "'@a", "-1.5", "0.1", '""', '"a,b"']


def test_only_wide_figures_say_that_they_scroll():
    def page(width_in):
        figure = ReportFigure("F", Figure(figsize=(width_in, 2)), "")
        return render_report(Report("R", [Section("S", "", [figure])]))

    hint = '<p class="scroll-hint"'
    assert hint in page(8.0)
    assert hint not in page(4.6)


def test_only_wide_tables_say_that_they_scroll():
    def page(n_columns):
        table = ReportTable("T", ["mean difference"] * n_columns, [[0.5] * n_columns])
        return render_report(Report("R", [Section("S", "", tables=[table])]))

    assert "Scroll the table sideways" not in page(4)
    # ten letters of 7 px and a margin of 13: headings are broken between words
    assert "(415px + 2rem - 100vw) * 999" in page(5)
    assert "Scroll the table sideways" in page(5)


def test_small_numbers_agree_with_columns():
    assert format_value(0.000999) == "0.001"
    assert format_column([0.000999, 0.5])[0] == "0.001"
    assert [format_value(x) for x in (0.00061, 4.2e-4)] == ["0.00061", "4.2 × 10⁻⁴"]


def test_provenance_wraps_on_a_phone():
    # Cells that are blocks inside a table take the width of the longest word: no row may be a table
    assert ".provenance :is(table, tbody, tr) { display: block; }" in page_of_all()
    assert "white-space: normal; overflow-wrap: anywhere; }" in page_of_all()  # long names too
