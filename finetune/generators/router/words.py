"""The words and wordings of a split (finetune/generators/pools.py). No line stands in two splits.

A piece of work is `verb/verb > what is done`; a joint is a sentence in which `{1}` is the first piece, `{1.}` the same
with a capital letter and `[1]` a whole sentence, which may be a question.
"""

from functools import partial
from pathlib import Path

from finetune.generators import pools

load = partial(pools.read, Path(__file__).parent)
