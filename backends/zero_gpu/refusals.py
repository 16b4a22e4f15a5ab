"""What ZeroGPU refuses, in plain words: what was needed, what is left, what would fit, who has more."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from backends.errors import BY_KIND, AppError, Unavailable

#: titles of our own errors while they cross the border of the worker
OURS = "Adapter Control Room: "
SECONDS = re.compile(r"\((\d+)s requested vs\. (\d+)s left\)")
REQUESTED = re.compile(r"\((\d+)s\)")
AGAIN = re.compile(r"Try again in (?:(\d+) days?, )?(\d+):(\d\d):(\d\d)")
#: fewer tokens than this are no answer worth offering
WORTH = 16
PRO = "Hugging Face PRO has more"


class GpuRefused(Unavailable):
    """The GPU is not to be had for this call; another engine may answer instead, if the visitor says so."""


@dataclass(frozen=True)
class Call:
    """The call that was refused."""

    seconds: int  # declared; the platform multiplies them
    #: tokens of an answer that would ask for at most so many declared seconds; of what is no answer there are none
    fitting: Callable[[float], int] = lambda most: 0


def title_of(error: AppError) -> str:
    return OURS + error.kind


def in_words(title: str, message: str, call: Call) -> AppError:
    """The error for the screen of a gr.Error that a call ended with."""
    if title.startswith(OURS):
        return BY_KIND.get(title.removeprefix(OURS), AppError)(message)
    say = TITLES.get(title)
    return GpuRefused(say(message, call) if say else f"The GPU is not available now: {message[:200]}")


def _illegal_duration(message: str, call: Call) -> str:
    found = REQUESTED.search(message)
    asked = int(found[1]) if found else call.seconds
    return (
        f"This needs {asked} s of GPU time at once, more than one call may take here: ask for a shorter answer"
        f"{'; ' + PRO if 'PRO' in message else ''}"
    )


def _quota(message: str, call: Call) -> str:
    found = SECONDS.search(message)
    if not found:
        if "runs limit" in message:
            return f"You have used up the number of GPU calls for now: try again later; {_more(message)}"
        if "No GPU was available" in message:
            return _queue(message, call)
        return "Visitors who are not signed in share a little GPU time here, and it is used up: sign in to Hugging Face"
    asked, left = int(found[1]), int(found[2])
    fits = call.fitting(left * call.seconds / asked) if asked else 0
    words = [f"This needs {asked} s of GPU time and you have {left} s left today"]
    if fits >= WORTH:
        words.append(f"an answer of up to {fits} tokens would still fit")
    if again := AGAIN.search(message):
        words.append(f"there is more again in {_duration(again)}")
    return "; ".join([*words, _more(message)])


def _pending(message: str, call: Call) -> str:
    return "Your other GPU tasks hold all of your credits: ask again when one of them has ended"


def _queue(message: str, call: Call) -> str:
    return "No GPU became free within a minute: ask again in a moment"


def _client(message: str, call: Call) -> str:
    if "Expired" in message:
        return "Your visit has expired for ZeroGPU: reload the page and ask again"
    return "No GPU is free at this moment: ask again in a moment"


def _worker(message: str, call: Call) -> str:
    if "aborted" in message:
        return (
            f"The GPU worker was ended before the answer was finished; it had asked for {call.seconds} s. Ask for a "
            "shorter answer"
        )
    return f"The GPU worker failed with {message[:60]}; the log says more"


def _more(message: str) -> str:
    """Who would have more, by the kind of account that the platform names."""
    if "free ZeroGPU" in message:
        return PRO
    return "credits can be added to your account" if "Pro ZeroGPU" in message else "sign in to Hugging Face for more"


def _duration(again: re.Match[str]) -> str:
    days, hours, minutes, seconds = (int(part or 0) for part in again.groups())
    hours += 24 * days
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


#: title of a refusal -> its sentence; spaces 0.51
TITLES: dict[str, Callable[[str, Call], str]] = {
    "ZeroGPU illegal duration": _illegal_duration,
    "ZeroGPU quota exceeded": _quota,
    "ZeroGPU pending credits exceeded": _pending,
    "ZeroGPU queue timeout": _queue,
    "ZeroGPU client error": _client,
    "ZeroGPU worker error": _worker,
}
