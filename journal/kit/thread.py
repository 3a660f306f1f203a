"""The thread: the one drawing that recurs. A thin line with the numbered infusion, today's ring, and what lies between."""

from collections.abc import Sequence

from markupsafe import Markup, escape

WIDTH = 358


def days(number: int, labels: Sequence[str], words: str) -> Markup:
    """A thread from infusion `number` to today: a label for each day, the infusion's first, today's last."""
    gaps = max(1, len(labels) - 1)
    step = min(54, 220 / gaps)
    xs = [round(13 + i * step, 1) for i in range(len(labels))]
    shown = [0, len(labels) - 1] if len(labels) > 5 else list(range(len(labels)))
    ticks = "".join(f'<line class="thread" x1="{x}" x2="{x}" y1="13" y2="21"/>' for x in xs[1:-1])
    texts = "".join(
        f'<text class="{"tick today" if i == len(labels) - 1 else "tick"}" x="{max(xs[i], 15)}" y="46" '
        f'text-anchor="middle">{escape(labels[i])}</text>'
        for i in dict.fromkeys(shown)
    )
    ring = ""
    if len(labels) > 1:
        ring = f'<circle class="ring" cx="{xs[-1]}" cy="17" r="10"/><circle class="ring-dot" cx="{xs[-1]}" cy="17" r="4.5"/>'
    return Markup(
        f'<svg class="thread-line" viewBox="0 0 {WIDTH} 52" role="img" aria-label="{escape(words)}">'
        f'<line class="thread" x1="{xs[0]}" x2="{xs[-1]}" y1="17" y2="17"/>'
        f'<line class="thread-ahead" x1="{xs[-1] + 14}" x2="{WIDTH}" y1="17" y2="17"/>{ticks}{ring}'
        f'<circle class="infusion-mark" cx="{xs[0]}" cy="17" r="12"/>'
        f'<text class="infusion-number" x="{xs[0]}" y="21.5" text-anchor="middle">{number}</text>{texts}</svg>'
    )


def countdown(share_gone: float, until: str) -> Markup:
    """A thread from the infusion to the deadline; `share_gone` 0-1 is where now is."""
    now_x = round(14 + share_gone * 262, 1)
    label_x = min(max(now_x, 22), 120)
    return Markup(
        '<svg class="thread-line" viewBox="0 0 290 44" aria-hidden="true">'
        f'<line class="thread" x1="8" x2="{now_x}" y1="14" y2="14"/>'
        f'<line class="thread-ahead" x1="{now_x + 12}" x2="272" y1="14" y2="14"/>'
        '<circle class="thread-start" cx="8" cy="14" r="5"/><circle class="thread-end" cx="279" cy="14" r="6"/>'
        f'<circle class="ring" cx="{now_x}" cy="14" r="9"/><circle class="ring-dot" cx="{now_x}" cy="14" r="4"/>'
        f'<text class="tick today" x="{label_x}" y="40" text-anchor="middle">now</text>'
        f'<text class="tick" x="286" y="40" text-anchor="end">{escape(until)}</text></svg>'
    )
