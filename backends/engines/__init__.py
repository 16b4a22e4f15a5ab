"""The engines that answer, one per file; each ends in `BACKEND = its class`, made with `BACKEND(settings, parallel)`.

Files that begin with an underscore are parts of them.
"""

#: of a sampled token, only the likeliest are considered: the same in every engine, and sorting all 262,144 costs 7 ms
TOP_K = 64

#: the fixed text on which an adapter's effect is measured: prose, code and a cue, so that any task's adapter reacts
PROBE_PROMPT = "Read the text and answer.\n\nfunction add(a, b) { return a + b; } // What does it do?\n\nAnswer:"
