"""A base on the screen: what it needs, under which terms, who can run it here and why not, how its download goes."""

from collections.abc import Iterable

from backends.bases import here
from backends.bases.downloads import CLOSED, Download
from backends.catalog import Base
from backends.settings import Settings
from ui import html, words
from ui.html import Html

COLUMNS = ("Base", "Here", "Runs here on", "Memory, 16-bit", "Memory, 4-bit", "Download", "Terms")


def table(settings: Settings, bases: Iterable[Base]) -> Html:
    """Every base side by side."""
    rows = [_row(settings, base) for base in bases]
    return html.table(COLUMNS, rows, "Every base that is known here, and what it needs", numeric=(3, 4, 5))


def _row(settings: Settings, base: Base) -> list[Html | str]:
    able = [words.ENGINES[name] for name, why in here.engines(settings, base).items() if why is None]
    return [
        html.join(base.title, html.el("small", base.hub_id)),
        state(settings, base),
        ", ".join(able) or "nothing here",
        gigabytes(here.memory_needed(base)),
        gigabytes(here.memory_needed(base, "nf4")),
        gigabytes(base.download_mb * 1e6),
        html.join(html.link(base.licence, base.licence_url), html.el("small", "gated") if base.gated else None),
    ]


def state(settings: Settings, base: Base) -> Html:
    if here.is_here(settings, base):
        return html.chip("here", "✓", "good")
    return html.chip("begun", "◔", "busy") if here.is_begun(settings, base) else html.chip("not here", "○")


def card(settings: Settings, base: Base) -> Html:
    """One base in full."""
    engines = (_engine(settings, name, why) for name, why in here.engines(settings, base).items())
    return html.el(
        "div",
        html.el("h3", base.title, " ", state(settings, base)),
        html.sentence(base.notes) if base.notes else None,
        html.facts(_facts(settings, base)),
        html.el("p", html.el("strong", "Which engines can run it here")),
        *engines,
        _gate(base),
        cls="acr-card",
    )


def _facts(settings: Settings, base: Base) -> list[tuple[str, Html | str]]:
    minutes = here.minutes(base)
    how_long = words.duration(minutes * 60) if minutes >= 1 else "less than a minute"
    return [
        ("Parameters", f"{base.parameters / 1e9:,.2f} billion"),
        ("Memory in 16 bits", gigabytes(here.memory_needed(base))),
        ("Memory in 4 bits", gigabytes(here.memory_needed(base, "nf4"))),
        ("Download", f"{gigabytes(base.download_mb * 1e6)}, {how_long} at {here.MBIT} Mbit/s"),
        ("Licence", html.link(base.licence, base.licence_url)),
        ("From", html.link(base.hub_id, page(base))),
    ]


def _engine(settings: Settings, name: str, why: str | None) -> Html:
    title = words.ENGINES[name]
    if why is not None:
        return html.el("p", html.chip("no", "✕", "bad"), f" {title}: {why}")
    more = f", if {here.server_name(settings)} serves it" if name == "openai_http" else ""
    return html.el("p", html.chip("yes", "✓", "good"), f" {title}{more}")


def _gate(base: Base) -> Html | None:
    if not base.gated:
        return None
    return html.note(
        "It is gated: ", html.link("accept its terms", page(base)), " with your account, and start with HF_TOKEN set."
    )


def page(base: Base) -> str:
    return f"https://huggingface.co/{base.hub_id}"


def progress(now: Download | None, title: str) -> Html | str:
    """How the download goes, or how it ended."""
    if now is None:
        return ""
    if now.state == "running":
        left = f"; {words.time_left(now.seconds_left)}" if now.seconds_left is not None else ""
        return html.progress(f"{title}: {now.what}, {now.fraction:.0%}{left}", now.fraction)
    if now.state == "failed":
        return html.problem(now.what)
    if now.state == "cancelled":
        return html.note(f"{title}: stopped at {now.fraction:.0%}. What is there is kept; it can go on any time.")
    return html.note(html.el("strong", "✓ "), f"{title}: {now.what}.", tone="good")


def closed() -> Html:
    return html.note(CLOSED)


def gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size < 99.5e9 else f"{size / 1e9:,.0f} GB"
