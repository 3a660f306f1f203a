"""Draws the icons of the home screen from the mark, again and the same each time: `make icons`.

A launcher may cut a maskable icon down to a circle of 80 % of its width, and iOS rounds the corners itself: those two
stand on the mark's own ground, edge to edge, and what is drawn on it is made a little smaller.
"""

import io
import re

from PIL import Image
from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.servers import ROOT

FOLDER = ROOT / "static" / "img"
MARK = FOLDER / "mark.svg"
SAFE = 0.8
"""Of the mark's own size: its farthest point then lies at 67 % of the half width, where 80 % are safe."""
ICONS: dict[str, tuple[int, float | None]] = {
    # Name: width in pixels, and how large the mark stands on a full ground (None: as it is, with round corners).
    "icon-192.png": (192, None),
    "icon-512.png": (512, None),
    "icon-maskable-512.png": (512, SAFE),
    "icon-apple-180.png": (180, 0.9),
}
COLOURS = 64
"""Three flat colours and the steps between them at the edges."""


def drawing(size: float | None) -> str:
    """The mark as SVG, or drawn at that size on a ground that fills the square."""
    mark = MARK.read_text("utf-8")
    if size is None:
        return mark
    found = re.fullmatch(r"(<svg[^>]*>)<rect([^>]*) rx=\"8\"([^>]*)/>(.*)</svg>\s*", mark)
    if found is None:
        raise ValueError("The mark is not a ground with round corners and something on it any more.")
    head, before, after, rest = found.groups()
    place = f"translate(16 16) scale({size}) translate(-16 -16)"
    return f'{head}<rect{before}{after}/><g transform="{place}">{rest}</g></svg>'


def draw(browser: Browser, name: str) -> bytes:
    """One icon as a PNG."""
    width, size = ICONS[name]
    page = browser.new_page(viewport={"width": width, "height": width})
    page.set_content(
        f"<style>body{{margin:0}}svg{{display:block;width:100vw;height:100vh}}</style>{drawing(size)}"
    )
    shot = page.screenshot(omit_background=True)
    page.close()
    small = Image.open(io.BytesIO(shot)).convert("RGBA" if size is None else "RGB")
    method = Image.Quantize.FASTOCTREE if size is None else Image.Quantize.MEDIANCUT
    kept = io.BytesIO()
    small.quantize(COLOURS, method=method, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
    return kept.getvalue()


def main() -> None:
    with chromium() as browser:
        for name in ICONS:
            (FOLDER / name).write_bytes(draw(browser, name))


if __name__ == "__main__":
    main()
