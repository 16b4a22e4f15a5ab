"""Plotly figures: pure functions from data to a figure, no Gradio. Colours read on light and dark; that of
text comes from the page's own style sheet. Series differ by dash or shape as well as by colour.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ui.views.curve import Curve, Point

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

    from backends.measured import Figures

ACCENT, AMBER, GREY = "#0d9488", "#b8700f", "#748091"
MAX_POINTS = 1500
FEW_MINUTES = 5  # what the chart of answers shows at least
#: colour, dash and shape of the runs in one chart
SERIES = (
    (ACCENT, "solid", "circle"),
    (AMBER, "dash", "diamond"),
    ("#7c5cd6", "dot", "square"),
    ("#c2413b", "dashdot", "triangle-up"),
)
KIND_STYLE = {  # kind of system -> (colour, shape, word)
    "adapter": (ACCENT, "diamond", "adapter"),
    "base": (AMBER, "circle", "base"),
    "few-shot": (AMBER, "circle-open", "base with examples"),
    "trivial": (GREY, "square", "no model"),
}


def thin(points: Sequence[Point], limit: int = MAX_POINTS) -> list[Point]:
    """At most `limit` points: of each stretch the lowest and the highest stay, so no spike or gap is lost."""
    if len(points) <= limit:
        return list(points)
    stretch = -(-len(points) // max(1, limit // 3))
    return [point for start in range(0, len(points), stretch) for point in _extremes(points[start : start + stretch])]


def _extremes(stretch: Sequence[Point]) -> list[Point]:
    """The lowest, the highest and the first gap of a stretch, in their order."""
    whole = [point for point in stretch if point[1] is not None]
    gaps = [point for point in stretch if point[1] is None][:1]
    kept = gaps + ([min(whole, key=_loss_of), max(whole, key=_loss_of)] if whole else [])
    return sorted(set(kept), key=lambda point: point[0])


def _loss_of(point: Point) -> float:
    return 0.0 if point[1] is None else point[1]


def smooth(points: Sequence[Point], weight: float = 0.85) -> list[Point]:
    """Exponential mean with the start bias taken out; a gap stays a gap and starts the mean anew."""
    smoothed: list[Point] = []
    mean, seen = 0.0, 0
    for step, loss in points:
        if loss is None:
            mean, seen = 0.0, 0
            smoothed.append((step, None))
            continue
        seen += 1
        mean = weight * mean + (1 - weight) * loss
        smoothed.append((step, mean / (1 - weight**seen)))
    return smoothed


def loss_figure(curve: Curve) -> "Figure":
    """Train and eval loss over steps, the best eval marked, the base's own eval loss as a level line."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=_layout("Step", "Loss"))
    train = thin(curve.train)
    long = len(curve.train) > 20
    _add_line(figure, "train loss", train, GREY, width=1 if long else 2, dash="dot", opacity=0.85)
    if long:
        _add_line(figure, "train loss, smoothed", thin(smooth(curve.train)), GREY, width=2, dash="solid")
    _add_line(figure, "eval loss", thin(curve.evals), ACCENT, width=3, symbol="circle")
    if curve.baseline is not None and len(curve.evals) > 1:
        label = f"base before training {curve.baseline:.2f}"
        figure.add_hline(y=curve.baseline, line={"color": AMBER, "dash": "dash", "width": 1.5}, annotation_text=label)
    if curve.before:
        line = {"color": GREY, "dash": "dot", "width": 1}
        figure.add_vline(x=0, line=line, annotation_text=curve.before, annotation_position="bottom right")
    if curve.best and curve.best[0] > 0:
        step, loss = curve.best
        star = {"symbol": "star", "size": 15, "color": AMBER, "line": {"width": 1, "color": ACCENT}}
        figure.add_scatter(
            x=[step], y=[loss], mode="markers", name=f"best: {loss:.2f} at step {step:,.0f}", marker=star
        )
    return figure


def overlay_figure(named: Sequence[tuple[str, Curve]], kind: str) -> "Figure":
    """One loss of several runs: `kind` is "eval", "smooth" or "raw" (the train loss). The best evals are stars."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=_layout("Step", "Eval loss" if kind == "eval" else "Train loss"))
    for (name, curve), (color, dash, symbol) in zip(named, SERIES, strict=False):
        train = smooth(curve.train) if kind == "smooth" else curve.train
        points = curve.evals if kind == "eval" else train
        few = kind == "eval" or len(points) <= 20
        _add_line(figure, name, thin(points), color, width=2.5, dash=dash, symbol=symbol if few else None)
        if kind == "eval" and curve.best:
            star = {"symbol": "star", "size": 15, "color": color}
            figure.add_scatter(
                x=[curve.best[0]],
                y=[curve.best[1]],
                mode="markers",
                marker=star,
                showlegend=False,
                hovertemplate="best: %{y:.3f} at step %{x:,.0f}",
                name=name,
            )
    return figure


def _add_line(
    figure: "Figure",
    name: str,
    points: Sequence[Point],
    color: str,
    *,
    width: float,
    dash: str = "solid",
    opacity: float = 1.0,
    symbol: str | None = None,
) -> None:
    import numpy as np

    if not points:
        return
    figure.add_scatter(
        x=np.array([step for step, _ in points], dtype=np.float32),
        y=np.array([np.nan if loss is None else loss for _, loss in points], dtype=np.float32),
        name=name,
        mode="lines+markers" if symbol or len(points) == 1 else "lines",
        line={"color": color, "width": width, "dash": dash},
        marker={"symbol": symbol or "circle", "size": 8},
        opacity=opacity,
        connectgaps=False,
        hovertemplate="step %{x:,.0f}: %{y:.3f}",
    )


def interval_figure(systems: Sequence[dict[str, Any]], metric: str, title: str, better: str) -> "Figure":
    """One line per system: the figure as a shape, its 95 % interval as a bar. Best on top."""
    import plotly.graph_objects as go

    known = [s for s in systems if s["metrics"].get(metric, {}).get("value") is not None]
    known.sort(key=lambda s: s["metrics"][metric]["value"], reverse=better == "lower")
    figure = go.Figure(layout=_layout(f"{title} ({better} is better)", ""))
    for system in known:
        m = system["metrics"][metric]
        color, symbol, word = KIND_STYLE.get(system["kind"], KIND_STYLE["trivial"])
        low, high = (m["value"] if m.get(k) is None else m[k] for k in ("low", "high"))
        figure.add_scatter(
            x=[m["value"]],
            y=[system["title"]],
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 13},
            error_x=_interval(m["value"], low, high, color),
            hovertemplate=f"{word}: %{{x:.2f}} ({low:.2f} to {high:.2f})<extra></extra>",
            showlegend=False,
        )
    figure.update_layout(height=90 + 44 * max(1, len(known)), yaxis={"automargin": True, "ticksuffix": "  "})
    return figure


def latency_figure(minutes: Mapping[int, "Figures"]) -> "Figure":
    """Half and 95 % of the answers of each minute of the last hour took at most so long; minutes without are gaps."""
    import plotly.graph_objects as go

    figure = go.Figure(layout=_layout("Minutes ago", "Seconds of an answer"))
    oldest = max(minutes, default=0)
    ago = range(oldest, -1, -1)
    for (name, share), (color, dash, symbol) in zip((("half", 0.5), ("95 %", 0.95)), SERIES, strict=False):
        points = [(at, minutes[at].warm.quantile(share) if at in minutes else None) for at in ago]
        _add_line(figure, f"{name} took at most", points, color, width=2.5, dash=dash, symbol=symbol)
    figure.update_traces(hovertemplate="%{y:.2f} s, %{x:.0f} min ago")
    left = max(oldest, FEW_MINUTES)  # one point alone would get an axis into the future
    figure.update_layout(yaxis={"rangemode": "tozero"}, xaxis={"range": [1.03 * left, -0.03 * left]})
    return figure


def _interval(value: float, low: float, high: float, color: str) -> dict[str, Any]:
    bar = {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}
    return bar | {"color": color, "thickness": 2.5, "width": 6}


def _layout(x_title: str, y_title: str) -> dict[str, Any]:
    axis = {"showgrid": True, "zeroline": False, "automargin": True, "gridcolor": "rgba(120,130,145,.25)"}
    return {
        "template": "none",
        "height": 340,
        "margin": {"l": 12, "r": 16, "t": 44, "b": 12},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        "xaxis": axis | {"title": {"text": x_title, "standoff": 8}},
        "yaxis": axis | {"title": {"text": y_title, "standoff": 8}},
        "hovermode": "closest",
    }
