"""Durations, numbers and states in words: one place, so that the page always says them the same way."""

from datetime import UTC, datetime

#: status -> (word, shape); the shape keeps a status readable without colour
STATUS = {
    "queued": ("queued", "○"),
    "starting": ("starting", "◔"),
    "running": ("running", "◑"),
    "cancelling": ("stopping", "◕"),
    "succeeded": ("finished", "✓"),
    "failed": ("failed", "✕"),
    "cancelled": ("stopped", "■"),
    "lost": ("lost", "?"),
}
ACTIVE = frozenset({"queued", "starting", "running", "cancelling"})
KINDS = {"train": "fine-tune", "eval": "comparison"}
ENGINES = {
    "llama_cpp": "llama.cpp",
    "transformers": "transformers",
    "echo": "echo",
    "openai_http": "OpenAI-compatible",
}
VERDICTS = {
    "fine_tuned_better": ("adapter better", "▲"),
    "tie": ("both right", "="),
    "baseline_better": ("base better", "▼"),
    "both_wrong": ("both wrong", "✕"),
}


def duration(seconds: float | None) -> str:
    """0.42 -> "0.4 s", 200 -> "3 min 20 s", 3900 -> "1 h 5 min"."""
    if seconds is None:
        return "unknown time"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def time_left(seconds: float | None) -> str:
    """An estimate is said coarsely: it is not known better than that."""
    if seconds is None:
        return "time left not known yet"
    if seconds < 15:
        return "a few seconds left"
    if seconds < 50:
        return "less than a minute left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {count(max(1, minutes), 'minute')} left"
    return f"about {count(round(seconds / 3600), 'hour')} left"


def count(n: int, thing: str, things: str | None = None) -> str:
    """1 -> "1 row", 1200 -> "1,200 rows"."""
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"


def number(value: float | None, digits: int = 2) -> str:
    """A figure for the screen; what is not known is a dash, never a zero."""
    if value is None or value != value:
        return "–"
    return f"{value:,.{digits}f}"


def figure(metric: dict | None) -> str:
    """A metric with its 95 % interval: "1.42 (1.20 to 1.66)"."""
    if not metric or metric.get("value") is None:
        return "–"
    shown = number(metric["value"])
    if metric.get("low") is None or metric.get("high") is None:
        return shown
    return f"{shown} ({number(metric['low'])} to {number(metric['high'])})"


def when(created: str | float | None) -> str:
    """A moment as date and minute in UTC; it does not change while one looks at it."""
    if created in (None, ""):
        return ""
    try:
        moment = datetime.fromtimestamp(created, UTC) if isinstance(created, int | float) else _parsed(str(created))
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.strftime("%-d %b, %H:%M UTC")


def _parsed(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def short(text: str, limit: int = 160) -> str:
    """The beginning of a text on one line."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
