"""A run on the screen: its entry in the list, its state in words, the table beside its curve."""

from collections.abc import Iterable

from finetune.runs.client import RunView
from finetune.training import sliced
from ui import html, words
from ui.html import Html
from ui.views import curve
from ui.views.curve import Curve

NONE = html.empty(
    "No runs yet",
    "A fine-tune or a comparison that you start appears here and goes on when you close the page.",
    "Open Fine-tune and press Start: the example set is already chosen.",
)
CHOOSE = html.empty("Choose a run", "Its loss curve, its log and what to do next appear here.")
#: makes the buttons of the list tell the server which run was chosen
CHOICE = """element.addEventListener('click', event => {
  const button = event.target.closest('[data-run]');
  if (button) trigger('click', {run: button.dataset.run});
});"""


def listing(runs: Iterable[RunView], chosen: str, notices: Iterable[str] = ()) -> Html:
    """Real buttons, newest first; says nothing that changes every second, so that focus stays where it is."""
    items = [html.el("li", _entry(view, view.run == chosen)) for view in runs]
    said = (html.note(notice, tone="busy") for notice in notices)
    return html.join(*said, html.el("ul", *items, cls="acr-runs") if items else NONE)


def _entry(view: RunView, chosen: bool) -> Html:
    facts = " · ".join(filter(None, (words.KINDS.get(view.kind, view.kind), view.task, words.when(view.created))))
    return html.el(
        "button",
        html.el("b", view.name),
        html.status_chip(view.status),
        html.el("small", facts),
        type="button",
        cls="acr-run",
        data_run=view.run,
        aria_current="true" if chosen else None,
    )


def detail(view: RunView, losses: Curve, diagnosis: Html | None = None, place: tuple[int, int] | None = None) -> Html:
    """Name, status, progress with the time left, what the curve says, why it failed, the figures."""
    head = html.el("h3", view.name, " ", html.status_chip(view.status))
    told = view.reason and view.status not in words.ACTIVE and diagnosis is None
    ended = html.sentence(view.reason[:1].upper() + view.reason[1:]) if told else None
    note = html.note(view.note, tone="busy") if view.note else None
    said = html.sentence(curve.sentence(losses), "acr-lead") if view.kind == "train" else None
    advice = html.sentence(curve.advice(losses)) if view.kind == "train" and view.status == "succeeded" else None
    parts = (head, progress(view, place), ended, diagnosis, note, said, advice, html.facts(_facts(view)))
    return html.el("div", *parts, cls="acr-card", data_run=view.run)


def progress(view: RunView, place: tuple[int, int] | None = None) -> Html | None:
    """What happens now and how long it will take; nothing once it has ended."""
    if view.status not in words.ACTIVE:
        return None
    if view.status == "queued":
        return html.progress(_waiting(*place) if place else view.reason or "Waiting for its turn", None)
    if view.status == "cancelling":
        return html.progress("Stopping: what was learned so far is kept", None)
    if view.engine == sliced.ENGINE:
        at = f"step {view.step or 0:,} of {view.steps:,}" if view.steps else "the beginning"
        return html.progress(f"It learns whenever it is given GPU time; now at {at}", _share(view))
    if not view.steps:
        return html.progress(view.reason or "Preparing the base and the rows", None)
    unit = "Step" if view.kind == "train" else "Answer"
    what = f"{unit} {view.step or 0:,} of {view.steps:,}; {words.time_left(view.seconds_left)}"
    return html.progress(what, _share(view))


def _share(view: RunView) -> float:
    return (view.step or 0) / view.steps if view.steps else 0.0


def _waiting(place: int, of: int) -> str:
    return "Waiting for its turn: it is the next one" if place == 1 else f"Waiting for its turn: number {place} of {of}"


def _facts(view: RunView) -> list[tuple[str, Html | str]]:
    steps = f"{view.step or 0:,} of {view.steps:,}" if view.steps else None
    known = [
        ("Base", view.base),
        ("Steps" if view.kind == "train" else "Answers", steps),
        (
            "Time so far" if view.status in words.ACTIVE else "Took",
            words.duration(view.seconds) if view.seconds else None,
        ),
        ("Train loss", words.number(view.train_loss) if view.train_loss is not None else None),
        ("Eval loss", words.number(view.eval_loss) if view.eval_loss is not None else None),
        ("Adapter", view.adapter),
        ("Run", html.el("a", view.run[:10], href=f"?run={view.run}", title="Link to this run")),
    ]
    return [(name, value) for name, value in known if value]


def losses_table(losses: Curve) -> Html:
    rows = curve.rows(losses)
    if not rows:
        return html.sentence("No loss has been measured yet.")
    return html.table(("Step", "Train loss", "Eval loss"), rows, "Losses by step", numeric=(0, 1, 2))


def log(text: str) -> Html:
    return html.code(text[-20_000:], "Log of the run") if text else html.sentence("The log is empty so far.")
