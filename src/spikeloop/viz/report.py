"""One self-contained HTML page: it opens offline, runs no script, and asks nothing of a server."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from spikeloop.data.checks import require
from spikeloop.viz.embedding import EmbeddedFigure, embed_figure, text_uri
from spikeloop.viz.tables import format_column, format_value, has_undefined, is_number, to_csv

MOST_BYTES = 10_000_000
"""A report must travel by mail."""

_MOST_ROWS = 40
_LEAST_SCALE = 0.66  # below that, the letters of a figure are too small to read
_PHONE_PX = 358  # what a phone of 390 pixels leaves between the margins
_LETTER_PX, _MARGIN_PX = 7, 13  # about what a letter, and a cell besides, takes in a table there


@dataclass(frozen=True, eq=False)
class ReportFigure:
    """A figure with its name, and words that tell how to read it."""

    name: str
    figure: Figure
    caption: str
    alt: str = ""
    """What the picture shows, for those who cannot see it; the name if empty."""


@dataclass(frozen=True)
class ReportTable:
    """A table with its name, and words that tell how to read it."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    """One value per column in each row: numbers, text, bool; None or NaN where undefined."""
    caption: str = ""

    def __post_init__(self) -> None:
        for i, row in enumerate(self.rows):
            require(
                len(row) == len(self.columns),
                f"row {i} of table {self.name!r} has {len(row)} cells: there are "
                f"{len(self.columns)} columns.",
            )


@dataclass(frozen=True)
class Section:
    """A chapter of the report."""

    title: str
    text: str = ""
    """Plain words; an empty line starts a paragraph."""
    figures: Sequence[ReportFigure] = ()
    tables: Sequence[ReportTable] = ()


@dataclass(frozen=True)
class KeyNumber:
    """A number that stands at the head of the report."""

    label: str
    value: object
    note: str = ""
    """A few words under it: a unit, a spread, what was expected."""


@dataclass(frozen=True)
class Report:
    """Everything that a report tells."""

    title: str
    sections: Sequence[Section]
    subtitle: str = ""
    key_numbers: Sequence[KeyNumber] = ()
    warnings: Sequence[str] = ()
    """What the reader must know before trusting the rest."""
    provenance: Mapping[str, object] = field(default_factory=dict)
    """How the result was made: versions, settings, seed, command, hashes; mappings may nest."""


def render_report(report: Report, *, most_bytes: int = MOST_BYTES) -> str:
    """Return the report as one HTML page, the same bytes for the same report.

    All text is escaped, so an id such as ``<script>`` is read and not run. Figures are SVG; those
    with many marks are PNG. If the page is still too large, all figures become PNG.

    Parameters
    ----------
    report
        What to tell.
    most_bytes
        How large the page may be.

    Raises
    ------
    InvalidInputError
        The page is larger than `most_bytes` even with all figures as PNG.

    Examples
    --------
    >>> page = render_report(Report("Neurons", [Section("Rates", "How often <units> fire.")]))
    >>> "How often &lt;units&gt; fire." in page
    True
    """
    page = _page(report, always_png=False)
    if len(page.encode()) > most_bytes:
        page = _page(report, always_png=True)
    n_bytes = len(page.encode())
    require(
        n_bytes <= most_bytes,
        f"the report {report.title!r} takes {n_bytes:,} bytes: it may take {most_bytes:,}. Draw "
        "fewer units or figures.",
    )
    return page


def _page(report: Report, *, always_png: bool) -> str:
    environment = Environment(
        loader=PackageLoader("spikeloop.viz"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = [(k.label, format_value(k.value), k.note) for k in report.key_numbers]
    return environment.get_template("report.html.j2").render(
        report=report,
        key_numbers=numbers,
        sections=[_section_view(section, always_png) for section in report.sections],
        provenance=list(_flattened(report.provenance)),
    )


def _section_view(section: Section, always_png: bool) -> dict[str, object]:
    return {
        "title": section.title,
        "paragraphs": [part for part in section.text.split("\n\n") if part.strip()],
        "figures": [_figure_view(figure, always_png) for figure in section.figures],
        "tables": [_table_view(table) for table in section.tables],
    }


def _figure_view(figure: ReportFigure, always_png: bool) -> dict[str, object]:
    picture: EmbeddedFigure = embed_figure(figure.figure, always_png=always_png)
    least_px = round(_LEAST_SCALE * picture.width_px)
    return {
        "name": figure.name,
        "caption": figure.caption,
        "alt": figure.alt or figure.name,
        "uri": picture.uri,
        "width_px": picture.width_px,
        "least_px": least_px,
        "scrolls_on_phones": least_px > _PHONE_PX,
    }


def _table_view(table: ReportTable) -> dict[str, object]:
    shown = list(table.rows[:_MOST_ROWS])
    by_column = [format_column([row[i] for row in shown]) for i in range(len(table.columns))]
    width_px = _width_px(table.columns, by_column)
    right = [all(is_number(row[i]) for row in shown) for i in range(len(table.columns))]
    return {
        "name": table.name,
        "caption": table.caption,
        "columns": list(zip(table.columns, right, strict=True)),
        "rows": [list(zip(cells, right, strict=True)) for cells in zip(*by_column, strict=True)],
        "n_rows": len(table.rows),
        "n_shown": len(shown),
        "has_undefined": has_undefined(shown),
        "width_px": width_px,
        "scrolls_on_phones": width_px > _PHONE_PX,
        "csv_uri": text_uri("text/csv", to_csv(table.columns, table.rows)),
        "csv_name": f"{_file_name(table.name)}.csv",
    }


def _width_px(headings: Sequence[str], by_column: Sequence[Sequence[str]]) -> int:
    """Return about how wide a table is on a phone, where headings are broken between words."""
    letters = [
        max(len(text) for text in (*heading.split(), *cells, ""))
        for heading, cells in zip(headings, by_column, strict=True)
    ]
    return sum(_LETTER_PX * n + _MARGIN_PX for n in letters)


def _file_name(name: str) -> str:
    """Return letters, digits and single hyphens only: safe on every disk.

    >>> _file_name("Units: <all> of them")
    'units-all-of-them'
    """
    letters = "".join(c if c.isalnum() and c.isascii() else " " for c in name.lower())
    return "-".join(letters.split()) or "table"


def _flattened(mapping: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every leaf with its dotted name; settings are shown as they are, not rounded."""
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
