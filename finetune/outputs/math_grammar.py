r"""The form of a worked calculation, as Lark text for both engines and as a pattern for the parser.

Lines of digits and signs, then one with the answer. A character of a step is at most one token, `\nAnswer: ` is five,
so that MAX_TOKENS hold the longest legal answer and its end.
"""

import re

MAX_STEPS = 100  # characters of all steps, new lines between them included
MAX_NUMBER = 13
MAX_TOKENS = 120

NUMBER = r"-?[0-9]{1,10}(\.[0-9]{1,3}|/[0-9]{1,10})?"

LARK = rf"""
start: SOLUTION
SOLUTION: (STEPS "\n")? "Answer: " NUMBER
STEPS: LINES & /(.|\n){{1,{MAX_STEPS}}}/
LINES: LINE ("\n" LINE)*
LINE: /[0-9+*\/=~:,.()r^-]+/
NUMBER: /-?[0-9]{{1,10}}(\.[0-9]{{1,3}}|\/[0-9]{{1,10}})?/ & /.{{1,{MAX_NUMBER}}}/
"""

STEP = r"[0-9+*/=~:,.()r^-]+"
FORM = re.compile(rf"(?=.{{0,{MAX_STEPS}}}\nAnswer: |Answer: )(?:{STEP}\n)*Answer: {NUMBER}", re.DOTALL)
