"""Figures as data inside a page: sharp lines as SVG, dense pictures as PNG."""

import base64
from dataclasses import dataclass
from io import BytesIO

import matplotlib
from matplotlib.figure import Figure

_PNG_DPI = 150
_MOST_SVG_BYTES = 600_000
_PX_PER_IN = 110  # so that 9 pt letters of a figure are about as large as the text around it


@dataclass(frozen=True)
class EmbeddedFigure:
    """A picture ready for the ``src`` of an image."""

    uri: str
    """``data:`` address that holds the whole picture."""
    width_px: int
    """Width at which its letters match the text."""

    @property
    def n_bytes(self) -> int:
        """How much it adds to the page."""
        return len(self.uri)


def embed_figure(figure: Figure, *, always_png: bool = False) -> EmbeddedFigure:
    """Return a figure as SVG, or as PNG where that is smaller and the SVG is above 600 kB.

    The bytes depend on the figure alone: no date, no random ids. Each picture is a document of its
    own inside the page, so ids of two pictures never meet.

    >>> embed_figure(Figure(figsize=(2, 1))).uri[:26]
    'data:image/svg+xml;base64,'
    """
    _settle(figure)
    width_px = round(_PX_PER_IN * figure.get_size_inches()[0])
    if not always_png:
        svg = _saved(figure, "svg")
        if len(svg) <= _MOST_SVG_BYTES:
            return EmbeddedFigure(_uri("image/svg+xml", svg), width_px)
    png = _saved(figure, "png")
    if not always_png and len(svg) <= len(png):
        return EmbeddedFigure(_uri("image/svg+xml", svg), width_px)
    return EmbeddedFigure(_uri("image/png", png), width_px)


def text_uri(media_type: str, text: str) -> str:
    """Return text as a ``data:`` address.

    >>> text_uri("text/csv", "a")
    'data:text/csv;charset=utf-8;base64,YQ=='
    """
    return _uri(f"{media_type};charset=utf-8", text.encode())


def _settle(figure: Figure) -> None:
    """Find room for labels once and keep it: a layout found anew at each drawing creeps."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _saved(figure: Figure, kind: str) -> bytes:
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    target = BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "spikeloop", "svg.fonttype": "path"}):
        figure.savefig(target, format=kind, dpi=_PNG_DPI, metadata=metadata)
    return target.getvalue()


def _uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
