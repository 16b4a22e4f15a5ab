"""Data is never code: what no file of the product may do, held by reading its syntax tree."""

import ast
import re
from collections.abc import Iterator

from backends.settings import ROOT
from tests import code

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "yaml", "code", "pty"}
CALLS = {
    *("eval", "exec", "compile", "__import__", "torch.load", "os.system", "os.popen", "numpy.load", "np.load"),
    *("gr.load", "gr.FileExplorer", "webbrowser.open", "tempfile.mktemp", "asyncio.create_subprocess_shell"),
}
FETCHES = ("urlopen", "httpx.get", "httpx.post", "httpx.stream", "httpx.request", "httpx.Client")
#: what may be given under these names; absent is fine too
ALLOWED = {"shell": "False", "trust_remote_code": "False", "allow_pickle": "False", "share": "False"}


def given(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def product_calls() -> Iterator[tuple[str, ast.Call]]:
    return ((code.at(name, call), call) for name in code.product() for call in code.calls(name))


def test_nothing_is_unpickled_evaluated_or_given_to_a_shell() -> None:
    found = [
        f"{name} imports {used}"
        for name in code.product()
        for used in code.imports(code.tree_of(name))
        if used.split(".")[0] in MODULES
    ]
    for place, call in product_calls():
        if code.called(call) in CALLS:
            found.append(f"{place} calls {code.called(call)}")
        found += [f"{place} {k}={v}" for k, v in given(call).items() if k in ALLOWED and v != ALLOWED[k]]
    assert not found


def test_no_class_is_chosen_by_what_a_file_says() -> None:
    """`AutoPeft*` loads whatever base an adapter names; modules are found by name in the registry alone."""
    found = []
    for name in code.product():
        words = {getattr(node, "id", getattr(node, "name", "")) for node in ast.walk(code.tree_of(name))}
        found += [f"{name} uses {word}" for word in words if str(word).startswith("AutoPeft")]
    found += [
        place
        for place, call in product_calls()
        if code.called(call).endswith("import_module") and not place.startswith("backends/registry.py")
    ]
    assert not found


def test_a_text_from_outside_is_never_a_format_string() -> None:
    found = [
        place
        for place, call in product_calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("format", "format_map")
        and not isinstance(call.func.value, ast.Constant)
    ]
    assert not found


def test_every_request_has_a_time_limit_and_follows_no_redirect() -> None:
    fetches = [(place, given(call)) for place, call in product_calls() if code.called(call).endswith(FETCHES)]
    assert not [place for place, options in fetches if "timeout" not in options]
    assert not [place for place, options in fetches if options.get("follow_redirects", "False") != "False"]


def test_no_file_of_the_repository_holds_a_key() -> None:
    # made-up keys of tests begin with abc or xxx
    marks = re.compile(b"hf_(?!abc|xxx)[A-Za-z0-9]{30}|sk-(?!abc|xxx)[A-Za-z0-9]{20}|BEGIN (RSA |OPENSSH )?PRIVATE KEY")
    assert not [name for name in code.files() if marks.search((ROOT / name).read_bytes())]
