"""From tokens to text that may be shown: whole characters only, nothing of a stop string, nothing after one."""

from collections.abc import Sequence

from backends.bases.tokenizer import Tokens


class StopText:
    """Passes text on, holding back what could still become a stop string."""

    def __init__(self, stop: Sequence[str]) -> None:
        self.stop = stop
        self.held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that is safe to show now; once `stopped`, the stop string and all after it are gone."""
        self.held += text
        found = [at for at in (self.held.find(mark) for mark in self.stop) if at >= 0]
        if found:
            self.stopped = True
            safe = self.held[: min(found)]
            self.held = ""
            return safe
        keep = max((self._overlap(mark) for mark in self.stop), default=0)
        safe, self.held = self.held[: len(self.held) - keep], self.held[len(self.held) - keep :]
        return safe

    def rest(self) -> str:
        """What was held back, when the answer ended without the stop string."""
        held, self.held = self.held, ""
        return held

    def _overlap(self, mark: str) -> int:
        """How many characters at the end of the held text begin `mark`."""
        longest = min(len(mark) - 1, len(self.held))
        return next((n for n in range(longest, 0, -1) if self.held.endswith(mark[:n])), 0)


class Decoder:
    """Text of tokens as they come; half a character waits for its other half."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.ids: list[int] = []
        self.told = ""

    def feed(self, token: int) -> str:
        self.ids.append(token)
        text = self.tokens.decode(self.ids)
        return "" if text.endswith("\ufffd") else self._new(text)

    def rest(self) -> str:
        """What was held back when the answer ended: nothing, or a character cut in the middle, which is dropped."""
        return self._new(self.tokens.decode(self.ids).rstrip("\ufffd"))

    def _new(self, text: str) -> str:
        new, self.told = text[len(self.told) :], text
        return new
