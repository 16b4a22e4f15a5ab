"""One tokenizer for training, the doctor and all local engines: prompts leave our code as token ids.

Text that a person wrote is encoded with `encode_special_tokens`, so "<end_of_turn>" in it is plain tokens and
opens no turn; special tokens come only from segments that a template marked as such.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from backends.base import Segment
from backends.bases import embedded, hub
from backends.catalog import Base
from backends.errors import BadInput, Unavailable
from backends.files import read_json
from backends.settings import Settings

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class Tokens:
    """Segments to ids and back, for one base. Safe to use from several threads."""

    def __init__(self, tokenizer: "Tokenizer", eos: str) -> None:
        #: the base's own rule: what it puts before an empty text is its BOS, and some bases have none
        first = tokenizer.encode("").ids
        self.bos: int | None = first[0] if first else None
        tokenizer.encode_special_tokens = True
        self.tokenizer = tokenizer
        self.eos = self._special(eos)

    def encode(self, segments: Sequence[Segment], bos: bool = True) -> list[int]:
        """The ids of a prompt, with exactly one BOS in front where the base has one."""
        ids = [self.bos] if bos and self.bos is not None else []
        for segment in segments:
            ids += [self._special(segment.text)] if segment.special else self.encode_text(segment.text)
        return ids

    def encode_text(self, text: str) -> list[int]:
        """The ids of plain text, no BOS, whatever the text looks like."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without special tokens."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    def is_special(self, text: str) -> bool:
        """Is this one token, and one that only a template may write?"""
        return any(
            token.content == text and token.special for token in self.tokenizer.get_added_tokens_decoder().values()
        )

    def _special(self, text: str) -> int:
        token = self.tokenizer.token_to_id(text)
        if token is None:
            raise BadInput(f"The prompt format needs the token {text[:40]!r}, which this base does not have")
        return token


def load(settings: Settings, base: Base) -> Tokens:
    """The tokenizer of a base; a Hub base's is fetched if it is not here. Under a second, then at once."""
    folder = hub.tokenizer_dir(settings, base) if base.source == "hub" else embedded.folder(settings)
    return _load(folder.resolve(), base.title)


@lru_cache(maxsize=4)
def _load(folder: Path, title: str) -> Tokens:
    from tokenizers import Tokenizer

    config = read_json(folder / "tokenizer_config.json")
    if not config or not (folder / "tokenizer.json").exists():
        raise Unavailable(f"{title} is not prepared yet: its tokenizer is missing in {folder}")
    eos = config["eos_token"]
    if isinstance(eos, dict):  # Hub repositories write either the text or an object that holds it
        eos = eos["content"]
    return Tokens(Tokenizer.from_file(str(folder / "tokenizer.json")), eos)
