"""The words and wordings of a split (finetune/generators/pools.py). Nothing stands in two splits.

In a wording `{slot}` is a word, `[this|that|]` one of several turns, here the last one is nothing.
"""

from functools import partial
from pathlib import Path

from finetune.generators import pools

load = partial(pools.read, Path(__file__).parent)
