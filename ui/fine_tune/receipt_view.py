"""Step 3, on the right: does it fit, how long does it take, what does it cost; worked out when somebody looks."""

import hashlib
from typing import Any

from backends.files import dump_json
from finetune.receipt import receipt
from ui import html, words
from ui.fine_tune.prepared import prepared
from ui.fine_tune.state import Draft
from ui.html import Html
from ui.room import Room

WAITING = html.progress("Working out memory and time: the first look measures this machine", None)
STALE = html.note("The settings changed. Press Work it out again, or go on.", tone="busy")
VERDICTS = {"yes": ("it fits", "✓", "good"), "tight": ("it may just fit", "!", "busy"), "no": ("too large", "✕", "bad")}
GB = 1 << 30


def key(draft: Draft) -> str:
    """Of which rows and settings a receipt speaks."""
    told = [draft.parts_key, draft.format_name, draft.recipe.to_json()]
    return hashlib.sha256(dump_json(told).encode()).hexdigest()[:16]


def is_stale(draft: Draft) -> bool:
    return draft.receipt.get("key") != key(draft)


def worked_out(room: Room, draft: Draft) -> Draft:
    """The draft with the receipt of what it would start now."""
    rows = prepared(draft)
    made = receipt(room.settings, draft.task, rows.train, draft.recipe, room.base, rows.val)
    return draft.change(receipt={"key": key(draft), "told": made.to_json()})


def view(draft: Draft) -> Html | str:
    """What was worked out last, if it still holds."""
    if not draft.receipt:
        return ""
    return STALE if is_stale(draft) else _card(draft.receipt["told"])


def _card(told: dict[str, Any]) -> Html:
    memory, seconds = told["memory"], told["seconds"]
    facts = [
        ("Memory", f"{memory['low'] / GB:.1f} to {memory['high'] / GB:.1f} GB"),
        ("Time", f"{words.duration(seconds['low'])} to {words.duration(seconds['high'])}"),
        (
            "Money",
            "nothing" if not told["cost"]["high"] else f"${told['cost']['low']:,.2f} to ${told['cost']['high']:,.2f}",
        ),
        ("Steps at most", f"{told['steps']:,}"),
    ]
    left_out = told["left_out"]
    shorter = f"{words.count(left_out, 'row')} of {told['rows']:,} are longer than max_length and left out."
    return html.el(
        "div",
        html.el("h3", "What it takes", html.chip(*VERDICTS[told["fits"]])),
        html.facts(facts),
        *(html.sentence(sentence) for sentence in told["sentences"]),
        html.sentence(shorter) if left_out else None,
        cls="acr-card",
    )
