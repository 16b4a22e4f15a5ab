"""The figures of the engines on the screen: one sentence, what is held now, a table by adapter, one by minute."""

from collections.abc import Mapping

from backends.measured import Figures, Key, Seconds, Snapshot, Table, whole
from ui import html, words
from ui.html import Html

HOUR, ALL = "hour", "all"
STRETCHES = {HOUR: "in the last hour", ALL: "since the start"}
NONE = html.empty(
    "Nothing has been asked yet",
    "How many answers, how fast and how many failed appears here, by adapter and engine.",
    "Open Ask and press Ask: the first answer is the first figure.",
)
#: kinds of errors in words
KINDS = {
    "bad_input": "wrong input",
    "not_found": "not there",
    "refused": "refused",
    "unavailable": "engine not available",
    "queue_full": "queue full",
    "cut": "cut off",
    "failed": "a fault of ours",
}
COLUMNS = (
    "Adapter",
    "Engine",
    "Requests",
    "Half took at most",
    "95 % at most",
    "First answers",
    "Tokens a second",
    "Stopped",
    "Errors",
)


def table_of(now: Snapshot, stretch: str) -> Table:
    return now.all if stretch == ALL else now.hour


def sentence(now: Snapshot, stretch: str) -> Html:
    """What the table says, for whoever reads no tables."""
    every = whole(table_of(now, stretch))
    when = STRETCHES.get(stretch, STRETCHES[HOUR])
    if not every.requests:
        return html.sentence(f"Nothing was asked {when}.", "acr-lead")
    said = f"{words.count(every.requests, 'request')} {when}"
    if every.warm.count:
        half, most = (words.duration(every.warm.quantile(share)) for share in (0.5, 0.95))
        said += f": half of the answers took at most {half}, 95 % at most {most}"
    if every.cold.count:
        said += f"; the first answer of an adapter took {words.duration(every.cold.quantile(0.5))}"
    errors = sum(every.errors.values())
    said += f"; {errors:,} failed." if errors else "; none failed."
    return html.sentence(said, "acr-lead")


def now_facts(now: Snapshot) -> Html:
    """What runs and what is held at this moment."""
    running = sum(lengths[0] for lengths in now.queues.values())
    waiting = sum(lengths[1] for lengths in now.queues.values())
    memory = [(f"Memory of the {name}", f"{size / 1e6:,.0f} MB") for name, size in now.memory.items()]
    counted = [("Being answered", f"{running:,}"), ("Waiting", f"{waiting:,}")]
    return html.facts([*counted, *memory, ("Running for", _coarse(now.seconds))])


def _coarse(seconds: float) -> str:
    """Minutes are enough, so that the page changes only with the figures."""
    return words.duration(seconds // 60 * 60) if seconds >= 60 else "less than a minute"


def by_adapter(table: Mapping[Key, Figures], stretch: str) -> Html:
    rows = [_row(key, figures) for key, figures in sorted(table.items())]
    caption = f"By adapter and engine, {STRETCHES.get(stretch, STRETCHES[HOUR])}"
    return html.table(COLUMNS, rows, caption, numeric=(2, 3, 4, 5, 6, 7))


def _row(key: Key, figures: Figures) -> list[Html | str]:
    rate = figures.tokens_per_second
    return [
        html.join(key.adapter, html.el("small", key.base)),
        words.ENGINES.get(key.engine, key.engine),
        f"{figures.requests:,}",
        _seconds(figures.warm, 0.5),
        _seconds(figures.warm, 0.95),
        f"{_seconds(figures.cold, 0.5)} ({figures.cold.count:,})" if figures.cold.count else "–",
        words.number(rate, 1),
        f"{figures.outcomes['stopped']:,}",
        errors(figures),
    ]


def errors(figures: Figures) -> str:
    return ", ".join(f"{KINDS.get(kind, kind)} {count:,}" for kind, count in figures.errors.items()) or "none"


def by_minute(minutes: Mapping[int, Figures]) -> Html:
    rows = [
        (
            words.count(ago, "minute") + " ago" if ago else "this minute",
            f"{figures.requests:,}",
            _seconds(figures.warm, 0.5),
            _seconds(figures.warm, 0.95),
            _seconds(figures.waited, 0.95),
            errors(figures),
        )
        for ago, figures in sorted(minutes.items())
    ]
    columns = ("When", "Requests", "Half took at most", "95 % at most", "95 % waited at most", "Errors")
    return html.table(columns, rows, "By minute, the last hour", numeric=(1, 2, 3, 4))


def _seconds(measured: Seconds, share: float) -> str:
    value = measured.quantile(share)
    return "–" if value is None else f"{value:.2f} s" if value < 10 else words.duration(value)
