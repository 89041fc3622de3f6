"""A bar chart as SVG, drawn by hand: no library, and text that can be searched."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

from .report import OURS

_BAR, _GAP, _LEFT, _WIDTH = 18, 8, 190, 720


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """Horizontal bars, smallest first; ours has the strong colour."""
    longest = max(values.values(), default=0) or 1.0
    height = 48 + len(values) * (_BAR + _GAP)
    marks = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" '
        'font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="8" y="22" font-size="15" font-weight="bold" fill="#24292f">{escape(title)}</text>',
    ]
    for index, (name, value) in enumerate(sorted(values.items(), key=lambda item: item[1])):
        top = 40 + index * (_BAR + _GAP)
        length = (_WIDTH - _LEFT - 110) * value / longest
        colour = "#0969da" if name == OURS else "#afb8c1"
        weight = ' font-weight="bold"' if name == OURS else ""
        marks += [
            f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end"{weight} fill="#24292f">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>',
            f'<text x="{_LEFT + length + 6:.1f}" y="{top + 14}" fill="#57606a">{value:.2f} {escape(unit)}</text>',
        ]
    return "\n".join([*marks, "</svg>", ""])
