"""The adapters on the screen: a table of those that are here and can be had, and one of them in full."""

from collections.abc import Iterable, Sequence

from backends.adapters import Adapter
from backends.base import Probe
from backends.catalog import HubAdapter
from ui import html, words
from ui.html import Html

ORIGINS = {
    "shipped": "came with the program",
    "trained": "trained here",
    "added": "added",
    "given": "added",
    "adapter": "in the catalog, not here",
    "merged": "merged model, see the bases",
}
COLUMNS = ("Adapter", "Task", "Base", "Where from", "Weights")


def table(here: Iterable[Adapter], published: Iterable[HubAdapter]) -> Html:
    rows: list[Sequence[Html | str]] = [
        (a.name, a.task or "–", a.base, ORIGINS[a.origin], html.el("code", a.sha256[:8])) for a in here
    ]
    rows += [
        (
            html.join(p.title, html.el("small", p.name)),
            p.task,
            p.base,
            ORIGINS[p.kind],
            html.link("Hub", page(p.hub_id)),
        )
        for p in published
    ]
    return html.table(COLUMNS, rows, "Every adapter that is here or in the catalog")


def page(hub_id: str) -> str:
    return f"https://huggingface.co/{hub_id}"


def card(adapter: Adapter) -> Html:
    """One that is here."""
    config, made = adapter.config, words.when(adapter.card.get("created"))
    facts = [
        ("Task", adapter.task or "not stated"),
        ("Base", adapter.base),
        ("Where from", ORIGINS[adapter.origin]),
        ("Rank and alpha", f"{config.get('r', '–')} and {config.get('lora_alpha', '–')}"),
        ("Size", f"{adapter.weights.stat().st_size / 1e6:,.1f} MB"),
        ("Made", made or "not stated"),
        ("Digest of the weights", html.el("code", adapter.sha256[:16])),
    ]
    return html.el("div", html.el("h3", adapter.name), html.facts(facts), cls="acr-card")


def published_card(entry: HubAdapter) -> Html:
    """One of the catalog."""
    facts = [
        ("Task", entry.task),
        ("Base", entry.base),
        ("Licence", entry.licence),
        ("From", html.link(entry.hub_id, page(entry.hub_id))),
    ]
    return html.el(
        "div",
        html.el("h3", entry.title, " ", html.chip("not here", "○")),
        html.sentence(entry.notes) if entry.notes else None,
        html.facts(facts),
        cls="acr-card",
    )


def verified(name: str, problems: Sequence[str], probe: Probe | None, engine: str, why_not: str) -> Html:
    """What the check found, the effect on the logits with it."""
    if problems:
        return html.join(*(html.problem(f"{name}: {text}") for text in problems))
    if probe is None:
        return html.note(html.el("strong", "✓ "), f"The files of {name} are sound. {why_not}", tone="good")
    moved = f"it moves the logits of a fixed prompt by up to {probe.effect:.2f} on {words.ENGINES.get(engine, engine)}"
    return html.note(html.el("strong", "✓ "), f"{name} is sound, and {moved}.", tone="good")
