"""A score on a scale: half a dial with its bands, a needle, the number and the name of the band."""

from math import cos, pi, sin
from typing import Any

from finetune.outputs import complexity_label
from finetune.task import Task
from ui.html import Html, el
from ui.panels import Panel

#: task -> the bands of its scale, `(from, to, name)`
SCALES = {"complexity": complexity_label.band_edges()}
CENTRE, RADIUS = (120.0, 112.0), 92.0


def show(task: Task, value: Any) -> Html:
    """The whole dial as one picture with a spoken description; the words below say the same."""
    score, bands = float(value), SCALES[task.name]
    low, high = bands[0][0], bands[-1][1]
    band = next((name for _, end, name in bands if score <= end), bands[-1][2])
    said = f"{task.title}: {score:.1f} on a scale from {low:g} to {high:g}, {band}"
    arcs = [_arc(i, _share(a, low, high), _share(b, low, high), name == band) for i, (a, b, name) in enumerate(bands)]
    dial = el(
        "svg",
        *arcs,
        *(_tick(edge, _share(edge, low, high)) for edge in [low, *(end for _, end, _ in bands)]),
        _needle(_share(score, low, high)),
        viewBox="0 0 240 128",
        role="img",
        aria_label=said,
        cls="acr-gauge",
    )
    figure = el("span", f"{score:.1f}", cls="acr-figure")
    scale = el("span", f"of {high:g}", cls="acr-muted")
    words = el("p", figure, " ", scale, " ", el("strong", band, cls="acr-band"))
    legend = el("p", " · ".join(f"{name} to {end:g}" for _, end, name in bands), cls="acr-muted acr-small")
    return el("div", dial, words, legend, cls="acr-panel acr-gauge-panel")


def _share(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _point(share: float, radius: float) -> tuple[float, float]:
    angle = pi * (1 - share)
    return CENTRE[0] + radius * cos(angle), CENTRE[1] - radius * sin(angle)


def _arc(band: int, start: float, end: float, chosen: bool) -> Html:
    (x1, y1), (x2, y2) = _point(start + 0.006, RADIUS), _point(end - 0.006, RADIUS)
    path = f"M{x1:.2f} {y1:.2f} A{RADIUS} {RADIUS} 0 0 1 {x2:.2f} {y2:.2f}"
    return el("path", d=path, cls=f"acr-arc acr-arc-{band}" + (" acr-chosen" if chosen else ""))


def _tick(value: float, share: float) -> Html:
    x, y = _point(share, RADIUS - 20)
    return el("text", f"{value:g}", x=f"{x:.1f}", y=f"{y + 4:.1f}", cls="acr-tick")


def _needle(share: float) -> Html:
    (x, y), (cx, cy) = _point(share, RADIUS - 34), CENTRE
    line = el("line", x1=cx, y1=cy, x2=f"{x:.2f}", y2=f"{y:.2f}", cls="acr-needle")
    return el("g", line, el("circle", cx=cx, cy=cy, r=6, cls="acr-hub"))


PANEL = Panel("gauge", show)
