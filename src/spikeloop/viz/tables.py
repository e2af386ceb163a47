"""Numbers and tables as a reader wants them, and as a spreadsheet wants them."""

import csv
import io
import math
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

UNDEFINED = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_value(value: object) -> str:
    """Return a value with three significant digits; NaN and None as a dash.

    Between 0.0005 and 0.001 there are two, so that a p-value of 1/1001 is written as 0.001.

    >>> [format_value(x) for x in (0.12345, 26597, 1234.5, 2.1e-5, float("nan"), True, "V1")]
    ['0.123', '26,597', '1,234', '2.1 × 10⁻⁵', '–', 'yes', 'V1']
    >>> [format_value(x) for x in (0.000999, -0.00061)]
    ['0.001', '−0.00061']
    """
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}".replace("-", "−")
    if _is_undefined(value):
        return UNDEFINED
    if isinstance(value, Real):
        return _format_float(float(value))
    return str(value)


def format_column(values: Sequence[object]) -> list[str]:
    """Return a column's values; fractions share the number of decimals, so that points align.

    The largest magnitude sets the decimals: 3 below 1, 2 below 100, 1 below 1000. Where nothing is
    negative, as in p-values, what would be rounded to zero is written as smaller than the last
    digit; elsewhere it is zero with its sign.

    >>> format_column([0.5, 0.0625, 0.00001, float("nan")])
    ['0.500', '0.062', '< 0.001', '–']
    >>> format_column([-0.5, 0.00001, -0.00001])
    ['−0.500', '0.000', '−0.000']
    """
    sizes = [abs(float(v)) for v in values if _is_fraction(v) and math.isfinite(v)]
    largest = max(sizes, default=0.0)
    if not 0.01 <= largest < 1e7:
        return [format_value(v) for v in values]
    decimals = sum(largest < bound for bound in (1000, 100, 1, 0.1))
    least = 0.0 if any(_is_fraction(v) and v < 0 for v in values) else 10.0**-decimals
    return [_fixed(v, decimals, least) if _is_fraction(v) else format_value(v) for v in values]


def is_number(value: object) -> bool:
    """Return whether a cell is right-aligned: a number, or a missing one."""
    return value is None or (isinstance(value, Real) and not isinstance(value, bool | np.bool_))


def has_undefined(rows: Sequence[Sequence[object]]) -> bool:
    """Return whether any cell is shown as a dash."""
    return any(_is_undefined(cell) for row in rows for cell in row)


def to_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return the table as CSV in full precision; undefined cells are empty.

    Text that a spreadsheet would run as a formula is led by an apostrophe.

    >>> print(to_csv(["unit", "oracle"], [["=1+1", 0.1], ["b", float("nan")]]))
    unit,oracle
    '=1+1,0.1
    b,
    <BLANKLINE>
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_csv_cell(name) for name in columns])
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _csv_cell(cell: object) -> object:
    if _is_undefined(cell):
        return ""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{cell}"
    return cell


def _is_undefined(value: object) -> bool:
    return value is None or (isinstance(value, Real) and math.isnan(value))


def _is_fraction(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, Integral | np.bool_)


def _fixed(value: float, decimals: int, least: float) -> str:
    if not math.isfinite(value):
        return format_value(value)
    if -(10.0 ** -(decimals + 3)) < value < 0:
        value = 0.0  # what rounding leaves of a difference of equals
    if 0 < value < least / 2:
        return f"< {least:.{decimals}f}"
    return f"{value:,.{decimals}f}".replace("-", "−")


def _format_float(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 5e-4:
        mantissa, exponent = f"{value:.2e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".").replace("-", "−")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    digits = 3 if size >= 1e-3 else 2
    text = f"{value:,.0f}" if size >= 999.5 else f"{value:.{digits}g}"
    return text.replace("-", "−")
