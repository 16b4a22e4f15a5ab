"""Wordings of the training split. A `|` stands between wordings; a slot in braces is filled by writer.py.

No wording here stands in another split.
"""

PHRASES: dict[str, str] = {
    # how a request begins and ends
    "lead": "find|find|find|search for|look for|locate|get me|give me|list|grep for|I need"
    "|I'm looking for|please find|can you find|could you look for|help me find|I want to see|need"
    "|pull up|scan for|hunt for|dig out|look up|what about|return|search",
    "polite": "please|thanks|thx|asap|if possible|for me",
    # code: one keyword, several, a quoted text, a regular expression
    "what": "{x}|{x}|{x}|{x} usage|usages of {x}|uses of {x}|references to {x}|the {x} function"
    "|the {x} class|the {x} method|{x} calls|calls to {x}|{x} code|code related to {x}"
    "|{x} related code|{x}-related code|anything about {x}|{x} handling|{x} stuff"
    "|code that mentions {x}|code using {x}|every place that uses {x}|the code for {x}|{x} logic"
    "|the {x} constant|{x} implementation|examples of {x}|mentions of {x}|all {x} lines"
    "|a {x} reference|{x} struct|{x} errors|{x} config|lines containing {x}|the {x} module"
    "|{x} examples|everything that imports {x}|{x} macro|{x} setting|the string {x}"
    "|places where {x} is called|{x} function calls|where {x} is used|{x} support|how {x} works"
    "|the {x} type|code around {x}|the word {x}",
    "words": "{x} {y}|{x} {y}|{x} {y} code|the {x} {y}|{x} {y} handling|anything on {x} {y}"
    "|code for the {x} {y}|{x} {y} stuff|{x} {y} logic|{x} {y} related code|how the {x} {y} works"
    "|the {x} {y} implementation",
    "both": "{x} and {y} together|both {x} and {y}|{x} next to {y}|code with {x} and also {y}"
    "|{x} along with {y}|{x} calls that involve {y}|{x} in the context of {y}|{x} inside {y}",
    "either": "{x} or {y}|either {x} or {y}|uses of {x} or {y}|any of {x} and {y}",
    "without": "{x} but not {y}|{x} without {y}|uses of {x} that do not mention {y}|{x}, excluding {y}",
    "quoted": 'the text "{x}"|"{x}"|"{x}"|the message "{x}"|the string "{x}"|the exact phrase "{x}"'
    '|"{x}" errors|the error "{x}"|code that logs "{x}"',
    "text": "failed to {v} {n}|cannot {v} {n}|{n} not found|invalid {n} {m}|no such {n}"
    "|{n} already exists|{n} is {a}|unexpected {a} {n}|unable to {v} the {n}|{a} {n}|{v} {n} first"
    "|{n} {m}|missing {n} {m}",
    "regex": "the regex {x}|lines matching the regex {x}|the pattern {x} as a regular expression"
    "|anything that matches the regexp {x}|regex {x}",
    "pattern": r"{v}\w+{N}|{n}_\d+|\b{n}\b|{N}\(.*\)|^{n}.*{m}$|{v}{N}?|{n}[0-9]+|{n}\.{m}|func\s+{v}\w*"
    r"|class\s+\w+{N}",
    # questions: the keyword is part of them
    "ask": "where is {x} used|where do we call {x}|who uses {x}|what code touches {x}|how is {x} used"
    "|where does {x} get called|which places mention {x}|where can I find {x}|where's {x}"
    "|does anything use {x}|which code depends on {x}|where is {x} referenced|is there any {x} code"
    "|how do they handle {x}|where do they set {x}",
    # symbols and files
    "symbol": "the definition of {x}|the {x} definition|the symbol {x}|the declaration of {x}"
    "|symbols named {x}|where {x} is defined|{x} symbol",
    "symbol_ask": "where is {x} defined|where is {x} declared|which file defines {x}",
    "function": "functions named {x}|function symbols called {x}|functions called {x}",
    "file_named": "files named {x}|the file {x}|all {x} files|files called {x}|{x} files",
    # history
    "commits": "commits about {x}|commits mentioning {x}|commits related to {x}"
    "|commits that mention {x}|the commit history of {x}|commits on {x}",
    "any_commits": "commits|all commits|the commits|commit history|recent work",
    "diffs": "changes to {x}|diffs touching {x}|code changes involving {x}|diffs that mention {x}"
    "|changes that touch {x}|edits to {x}",
    "added": "changes that added {x}|diffs where {x} was added|commits adding {x} to the code"
    "|code changes introducing {x}",
    "removed": "changes that removed {x}|diffs where {x} was deleted|code changes dropping {x}"
    "|commits deleting {x} from the code",
    "history_ask": "when did {x} change|who changed {x}|what changed around {x}",
    # repositories as the answer
    "repos": "repositories that contain {x}|repos using {x}|which repos mention {x}"
    "|the list of repos with {x}|repositories where {x} appears",
    "repos_named": "repositories named {x}|repos whose name contains {x}|a repo called {x}|projects called {x}",
    "browse": "everything|all files|the code|all code|the source|stuff|the contents|the whole thing",
    # where: {r} is owner/name or another mention that stands alone
    "mention": "{o}/{n}|{o}/{n}|{o}/{n}|{o} {n}|{o} {n}|{o}'s {n}|github.com/{o}/{n}|https://github.com/{o}/{n}",
    "scope": "in {r}|in {r}|in the {r} repo|in the {r} repo|inside {r}|within the {r} codebase"
    "|in the {r} project|across {r}|from the {r} source|in repo {r}|of the {r} repo"
    "|in the code of {r}|for the {r} project|in {r} repo|in {r} codebase|from {r}|in {r} project"
    "|within {r}|on {r}|of {r}|in the {r} codebase|{r} repo",
    "scope_owned": "in {n} by {o}|in the {n} repo from {o}|in the {n} project owned by {o}"
    "|in {o}'s {n} repo|in the repo {n} of user {o}|in {n} from {o}|in the {n} repo by {o}"
    "|in {o}'s {n} project|in the {n} repo of the {o} organization|in {n} ({o})|in the {o} {n} repo",
    "front": "in {r}|in the {r} repo|inside {r}|for {r}|looking at {r}|from the {r} project"
    "|within the {r} codebase|{r}",
    "owner": "in any {o} repo|across the {o} organization|in all repos of {o}|anywhere under {o}|in every {o} project",
    "two": "in {r} and {s}|in {r} or {s}|across {r} and {s}|in both {r} and {s}",
    "elsewhere": "in {r} on {h}|in {h}/{r}|in the {h} project {r}",
    "not_repo": "but not in {r}|excluding {r}|outside {r}|skip {r}",
    "branch": "on the {v} branch|on branch {v}|in branch {v}|on {v}|in the {v} branch of the repo",
    "commit": "at commit {v}|at {v}|at revision {v}",
    "tag": "at tag {v}|tagged {v}|for tag {v}",
    "version": "version {v}|at version {v}|in version {v}|release {v}",
    # filters
    "lang": "in {l}|in {l}|written in {l}|in {l} files|{l} only|just {l}|in {l} code|{l} files only|using {l}",
    "not_lang": "not {l}|excluding {l}|but not in {l}|no {l} files",
    "lang_what": "{l} code with {x}|{l} files with {x}|{l} code that uses {x}|{l} code for {x}"
    "|{x} in {l} code|{l} {x} examples|{l} files that contain {x}",
    "extension": "in .{e} files|in files ending in .{e}|only .{e} files|in *.{e}|in .{e}",
    "folder": "under {d}|in the {d} directory|in the {d} folder|in {d}/|under the {d} folder",
    "path": "in files with {w} in the path|in paths containing {w}|where the path has {w}|in {w} files",
    "not_path": "excluding {w}|but skip {w}|ignoring the {w} folder|not in {w}|except {w} files"
    "|without {w} files|no {w} files",
    "count": "first {c} results|limit {c}|at most {c} matches|up to {c} results|only {c} hits|max {c}",
    "count_all": "all results|every single match|give me all of them|every result",
    "case": "case sensitive|match case|respecting case|with exact case|case-sensitive",
    "literal": "literally|as a literal|taken literally",
    "forks": "including forks|forks too|with forks",
    "only_forks": "only forks|in forks only",
    "archived": "including archived repos|archived ones too",
    "only_archived": "only archived repos|in archived repos only",
    "private": "in private repos|private repos only",
    "public": "in public repos|public repos only",
    "context": "in the {w} context|using search context {w}|in context {w}",
    "timeout": "with a {c} second timeout|timeout {c}s|wait up to {c} seconds",
    "only_repos": "just the repo names|only list the repos|only the repositories",
    "only_files": "just the file names|only list the files|file names only",
    "author": "by {w}|authored by {w}|from {w}|that {w} wrote|written by {w}|{w} made",
    "committer": "committed by {w}|with committer {w}",
    "message": "with {w} in the message|whose message says {w}|with the message {w}",
    "after": "since {d}|after {d}|from {d} on|newer than {d}",
    "before": "before {d}|until {d}|older than {d}|up to {d}",
    "between": "between {d} and {e}|from {d} to {e}",
    "within": "in the last {d}|from the past {d}|over the last {d}|during the past {d}|last {d}",
    "yesterday": "since yesterday|from yesterday on",
}
