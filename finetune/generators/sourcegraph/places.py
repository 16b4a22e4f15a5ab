"""Where to search. Owner and name known -> `repo:^github\\.com/owner/name$`, a bare name -> `repo:name`."""

from collections.abc import Sequence

from finetune.generators.sourcegraph.draw import START, Clause, Draw
from finetune.generators.sourcegraph.names import escaped

HOSTS = ("gitlab.com", "bitbucket.org", "codeberg.org")
KINDS = {"stated": 31, "owned": 16, "famous": 23, "bare": 18, "owner": 4, "two": 2, "elsewhere": 2, "not_repo": 4}


def pattern(host: str, path: str) -> str:
    """The regular expression that means one repository."""
    return f"repo:^{escaped(host)}/{escaped(path)}$"


class Places:
    """Draws the place of a request."""

    def __init__(self, draw: Draw, famous: Sequence[tuple[str, str]]) -> None:
        self.draw, self.famous = draw, famous

    def place(self) -> Clause:
        draw = self.draw
        owner, name = draw.names.owner(), draw.names.repository()
        path = f"{owner}/{name}"
        here = pattern("github.com", path)
        match kind := draw.weighted(KINDS):
            case "stated":
                return self._at_revision("scope", here, r=self._mention(owner, name))
            case "owned":
                spoken = name.replace("-", " ") if draw.chance(0.12) else name
                return self._at_revision("scope_owned", here, o=owner, n=spoken)
            case "famous":
                said, known = draw.rng.choice(self.famous)
                spoken = said.lower() if draw.chance(0.35) else said
                return self._at_revision("scope", pattern("github.com", known), r=spoken)
            case "bare":
                return self._at_revision("scope", f"repo:{escaped(name)}", r=name)
            case "owner":
                return draw.clause(kind, f"repo:^github\\.com/{owner}/", o=owner)
            case "two":
                other = f"{draw.names.owner()}/{draw.names.repository()}"
                return draw.clause(kind, pattern("github.com", f"({path}|{other})"), r=path, s=other)
            case "elsewhere":
                host = draw.rng.choice(HOSTS)
                return draw.clause(kind, pattern(host, path), r=path, h=host)
            case _:
                return draw.clause(kind, f"-{here}", r=path)

    def _mention(self, owner: str, name: str) -> str:
        """A repository in one breath; what is spoken may be capitalised though the repository is not."""
        mention = self.draw.say("mention", o=owner, n=name).replace(START, "")
        if "/" in mention or not mention.islower() or self.draw.chance(0.8):
            return mention
        return " ".join(word[0].upper() + word[1:] for word in mention.split())

    def _at_revision(self, kind: str, repo: str, **slots: str) -> Clause:
        """The repository, sometimes first in the sentence, sometimes at a branch, tag or commit."""
        draw = self.draw
        front = kind == "scope" and draw.chance(0.12)
        said = draw.say("front" if front else kind, **slots)
        if not draw.chance(0.16):
            return Clause(said, (repo,), front=front)
        spoken, value = self._revision()
        return Clause(f"{said} {spoken}", (f"{repo}@{value}",), front=front)

    def _revision(self) -> tuple[str, str]:
        draw, rng = self.draw, self.draw.rng
        number = f"{rng.randint(0, 12)}.{rng.randint(0, 30)}" + (f".{rng.randint(0, 20)}" if draw.chance(0.7) else "")
        match kind := draw.weighted({"branch": 2, "commit": 1, "tag": 1, "version": 1}):
            case "branch":
                value = rng.choice((*draw.words.branches, f"release-{number}", f"feature/{draw.names.noun()}"))
            case "commit":
                value = "".join(rng.choices("0123456789abcdef", k=7))
            case _:
                value = f"v{number}"
        return draw.say(kind, v=number if kind == "version" else value), value
