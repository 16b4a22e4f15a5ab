"""Between the four steps: the stepper, the buttons below, begin anew, and resuming what was left."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from backends.errors import BadInput, Refused
from ui.fine_tune import recipe_form, state, stepper
from ui.fine_tune.parts import RECIPE, Parts, arrive
from ui.fine_tune.state import STEPS, Draft
from ui.handlers import QUIET, Updates, speaks_in


def wire(parts: Parts) -> None:
    page, frame, form = parts.page, parts.frame, parts.recipe

    def to(step: Callable[[Draft, Any], int]) -> Any:
        @speaks_in(frame.message)
        def go(request: gr.Request, kept: str, *values: Any, event: Any = None) -> Updates:
            draft = parts.draft(kept, request)
            wanted = step(draft, event)
            if draft.step == RECIPE:
                draft = _with_recipe(parts, draft, wanted, values)
            if wanted > draft.reach:
                raise BadInput(f"{STEPS[wanted - 1]} opens when nothing stands in the way of the rows any more")
            return parts.fill(draft.change(step=wanted))

        return go

    asked = [page.owner, *form.inputs]

    def pressed(request: gr.Request, event: gr.EventData, kept: str, *values: Any) -> Updates:
        return to(lambda draft, data: _number(data))(request, kept, *values, event=event._data)

    arrive(parts, frame.nav.click(pressed, asked, parts.all, **QUIET))
    arrive(parts, frame.back.click(to(lambda draft, _: draft.step - 1), asked, parts.all, **QUIET))
    for number, button in enumerate(frame.forward, 2):
        arrive(parts, button.click(to(lambda draft, _, number=number: number), asked, parts.all, **QUIET))

    @speaks_in(frame.message)
    def anew(request: gr.Request, kept: str) -> Updates:
        state.forget(parts.room.settings, parts.who(kept, request))
        return parts.fresh(None)

    @speaks_in(frame.message)
    def resume(request: gr.Request, kept: str) -> Updates | None:
        """What was left here last time; nothing is read or worked out for it."""
        try:
            draft = state.load(parts.room.settings, parts.who(kept, request))
        except Refused:  # a browser that keeps nothing has left nothing
            return None
        return parts.fill(draft) if draft else None

    frame.anew.click(anew, page.owner, parts.all, **QUIET).then(None, None, None, js=stepper.FOCUS)
    page.blocks.load(resume, page.owner, parts.all, **QUIET)


def _with_recipe(parts: Parts, draft: Draft, wanted: int, values: tuple[Any, ...]) -> Draft:
    """Leaving step 3 keeps what stands in the form; what is wrong with it stops the way on, not the way back."""
    try:
        return recipe_form.chosen(draft, parts.room, *values)
    except BadInput:
        if wanted > RECIPE:
            raise
        return draft


def _number(data: Any) -> int:
    number = data.get("step") if isinstance(data, dict) else None
    if not isinstance(number, int) or not 1 <= number <= len(STEPS):
        raise BadInput("There is no such step")
    return number
