"""Aligned plain text for reports: numbers, columns, headed sections."""

from collections.abc import Sequence


def number(value: float) -> str:
    """Return whole numbers in full, large ones with one decimal, others with six significant digits."""
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.1f}" if abs(value) >= 1e5 else f"{value:.6g}"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines with aligned columns: numbers to the right, words to the left."""
    if not rows:
        return []
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    right = [any(_is_number(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [_line(row, widths, right) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = [
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(row, widths, right, strict=True)
    ]
    return "  " + "  ".join(cells).rstrip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def heading(title: str, lines: Sequence[str]) -> list[str]:
    """Return the lines under `title` and an empty line after them; nothing if there are no lines."""
    return [title, *lines, ""] if lines else []
