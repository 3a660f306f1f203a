"""QR codes as the path of an SVG."""

import segno

QUIET_ZONE = 4
"""Modules that stay empty around the code, as its standard asks."""


def drawing(text: str) -> tuple[int, str]:
    """(side, path) of the text's QR code, for an SVG whose unit is one module."""
    rows = segno.make(text, error="m", micro=False).matrix
    dark = [
        f"M{x + QUIET_ZONE} {y + QUIET_ZONE}h1v1h-1z"
        for y, row in enumerate(rows)
        for x, module in enumerate(row)
        if module
    ]
    return len(rows) + 2 * QUIET_ZONE, "".join(dark)
