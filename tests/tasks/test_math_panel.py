"""The panel of a worked solution, and LaTeX set as MathML."""

from xml.etree import ElementTree

import pytest

from finetune.tasks.math import TASK
from ui import mathml, panels

GOOD = "45/4\n4/4=1r0\n5/4=1r1\n.10/4=2r2\n.20/4=5r0\nAnswer: 11.25"


def shown(answer: str) -> str:
    return panels.result(TASK, TASK.parse(answer))


def words(markup: str) -> str:
    """What is left to read without any mark-up; it must be well-formed."""
    return " ".join("".join(ElementTree.fromstring(f"<p>{markup.replace('<br>', '')}</p>").itertext()).split())


def test_the_answer_stands_apart_and_the_steps_are_set():
    panel = shown(GOOD)
    assert (
        "<output><math><mn>11.25</mn></math></output>".replace("<mn>", "<mrow><mn>").replace(
            "</mn></math>", "</mn></mrow></math>"
        )
        in panel
    )
    assert panel.count("<li>") == 5 and "10÷4=2\u00a0remainder\u00a02".replace("\u00a0", " ") in words(panel)
    assert "steps and answer add up" in panel and "not right" not in panel


def test_an_equation_that_goes_on_says_the_number_it_goes_on_from():
    said = words(shown("63*37\n3*7=21:1\n6*7=42,3*3=9,+42=51,+2=53:31\nAnswer: 2331"))
    assert "6×7=42, 3×3=9, 9+42=51, 51+2=53→ 31" in said


def test_a_wrong_step_and_an_answer_that_does_not_follow_are_said_in_words():
    panel = shown(GOOD.replace("=2r2", "=3r2"))
    assert panel.count(">not right<") == 1 and "1 line is not right" in panel and "add up" not in panel
    assert "the first line comes to 2401" in shown("7^4=7*7*7*7\n7*7=49:49\nAnswer: 49")
    assert "2 lines are not right" in shown("1+1\n1+1=3:3\n1+1=4:4\nAnswer: 2")


def test_a_solution_of_the_seed_is_text_with_its_formulas_set_and_its_thinking_closed():
    panel = shown(
        "<think>Is it $x$?</think>**Half** of \\(12\\):\n$$\\frac{12}{2} = 6$$\n\n**Final Answer:** $\\boxed{6}$"
    )
    assert "<strong>Half</strong>" in panel and '<math display="block"><mrow><mfrac>' in panel
    assert "<details><summary>What the model thought</summary>" in panel and "think>" not in panel
    assert panel.index("<output>") < panel.index("Half") < panel.index("<details>")


def test_a_fraction_is_set_as_one_and_an_expression_as_written():
    assert "<mfrac><mrow><mn>3</mn></mrow><mrow><mn>4</mn></mrow></mfrac>" in shown("Answer: 3/4")
    assert "<msqrt>" in shown(r"so \boxed{\sqrt{2}}") and ">12 apples<" in shown("Answer: 12 apples")


def test_an_answer_that_is_not_marked_is_said_to_be_missing():
    panel = shown("it may be 7 or 8")
    assert "no final answer" in panel and "the last number in it is 8" in panel and "<output>" not in panel


def test_an_empty_panel_teaches_and_a_broken_answer_is_refused():
    assert "No solution yet" in panels.result(TASK, None)
    assert "no readable answer" in panels.refused("there is no number")


@pytest.mark.parametrize(
    "answer",
    [
        "<script>alert(1)</script>\nAnswer: <img src=x onerror=alert(1)>",
        "<think><b>1</b></think>$<script>$ **<i>**\n\\boxed{\\text{<u>x</u>}}",
        "Answer: \\frac{<b>}{\"'>}",
        "$$\\text{</mtext><script>1</script>}$$\n#### 1",
    ],
)
def test_what_a_model_wrote_never_becomes_markup(answer):
    panel = shown(answer)
    assert not any(tag in panel for tag in ("<script", "<img", "<b>", "<i>", "<u>", "</mtext><s"))
    words(panel)


@pytest.mark.parametrize(
    ("tex", "markup"),
    [
        (r"\frac{1}{2}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        (r"\dfrac 1 2", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
        ("x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("a_{10}", "<msub><mi>a</mi><mrow><mn>10</mn></mrow></msub>"),
        ("a_1^2", "<msubsup><mi>a</mi><mn>1</mn><mn>2</mn></msubsup>"),
        (r"\sqrt[3]{8}", "<mroot><mrow><mn>8</mn></mrow><mrow><mn>3</mn></mrow></mroot>"),
        (r"2 \times 3 \le \pi", "<mn>2</mn><mo>×</mo><mn>3</mn><mo>≤</mo><mi>π</mi>"),
        (r"\text{square metres}", "<mtext>square metres</mtext>"),
        (r"\left( 1{,}000 \right)", None),
        (r"\boxed{42}", '<mrow class="acr-boxed"><mrow><mn>42</mn></mrow></mrow>'),
        (r"5\%\,-1", '<mn>5</mn><mo>%</mo><mspace width=".17em"></mspace><mo>−</mo><mn>1</mn>'),
        (r"\sin x", "<mi>sin</mi><mi>x</mi>"),
    ],
)
def test_latex_that_is_covered_becomes_mathml(tex, markup):
    set_ = mathml.formula(tex)
    assert set_.startswith("<math><mrow>") and "<code" not in set_
    assert markup is None or set_ == f"<math><mrow>{markup}</mrow></math>"
    ElementTree.fromstring(set_)


@pytest.mark.parametrize(
    "tex",
    [
        *(r"\begin{align}x\end{align}", r"\unknown{x}", "{1", "1}", "x^", "x^^2", "x^1^2", "_", "a & b", r"\frac{1}"),
        *(r"\text{\bad}", r"\\", "{" * 40 + "}" * 40, r"\frac" * 100, "x" * 700, r"\sqrt[3", r"\sqrt"),
    ],
)
def test_other_latex_stays_as_it_was_written(tex):
    assert mathml.formula(tex).startswith('<code class="acr-tex">')
    assert words(mathml.formula(tex)) == tex


@pytest.mark.parametrize("text", ["It costs $5 and $6.", "$5+$6", "a * b ** c", r"\$5 and \$6", "100$"])
def test_dollars_and_stars_that_mark_nothing_stay_text(text):
    assert mathml.text(text) == text
