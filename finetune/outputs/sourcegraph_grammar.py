r"""The form of a Sourcegraph search query, as Lark text for both engines.

Real syntax is wider than the seed's 22 operators: `r:`, `f:` and `repogroup:`, `-` and NOT before an item, quotes,
regular expressions as values (`repo:^github\.com/org/name$@v1.2`), AND and OR, parentheses.

What keeps an answer both legal and finite:
- Colons and quotes stand only where an operator or a quoted text has them, so no invented operator can be written.
- Printable ASCII only, at most MAX_CHARS characters in all. A token is at least one character, so MAX_CHARS tokens
  hold the longest legal answer.
- A new line may end it: that is how a base ends a line that it never learned to close with an end token.
"""

MAX_CHARS = 192

LARK = rf"""
start: QUERY /\n{{1,2}}/?
QUERY: TERMS & /[ -~]{{1,{MAX_CHARS}}}/

TERMS: TERM ((" AND " | " OR " | " ") TERM)*
TERM: ("NOT ")? (FILTER | WORD | QUOTED | GROUP)
GROUP: "(" INNER ((" AND " | " OR " | " ") INNER)* ")"
INNER: ("NOT ")? (FILTER | WORD | QUOTED)

FILTER: TEXT_FILTER | FIXED_FILTER
TEXT_FILTER: "-"? TEXT_NAME ":" (VALUE | QUOTED)
TEXT_NAME: "repo" | "r" | "file" | "f" | "lang" | "language" | "l" | "content" | "author" | "committer" | "message"
  | "repogroup" | "context" | "rev" | "before" | "after"
FIXED_FILTER: "type:" ("symbol" | "commit" | "diff" | "repo" | "path" | "file")
  | "case:" ("yes" | "no")
  | ("fork:" | "archived:") ("yes" | "no" | "only")
  | "visibility:" ("any" | "public" | "private")
  | "count:" ("all" | /[1-9][0-9]{{0,5}}/)
  | "timeout:" /[1-9][0-9]{{0,3}}(ms|s|m)/
  | "pattern" ("type:" | "Type:") ("keyword" | "standard" | "literal" | "regexp" | "structural")
  | "select:" SELECTED
SELECTED: "repo" | "content" | /file(\.(directory|path))?/ | /symbol(\.[a-z]+)?/ | /commit(\.diff(\.(added|removed))?)?/

WORD: VALUE & ~/AND|OR|NOT/
VALUE: (PLAIN | PARENTHESES)+
PARENTHESES: "(" (PLAIN | "(" PLAIN* ")")* ")"
PLAIN: /[!#-&*-9;-\[\]-~]/ | /\\[!#-&(-~]/
QUOTED: /"[^"\n]+"/ | /'[^'\n]+'/
"""
