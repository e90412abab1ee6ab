"""The grader's texts in Bulgarian: none is forgotten, and names and numbers stay."""

import ast
import re
from pathlib import Path

import pytest

import utils
from solutions.grading import scheme
from solutions.grading.texts import BULGARIAN, literal_length, translated

ROOT = Path(utils.__file__).parent
GRADING = ROOT / "solutions/grading"
# Functions whose arguments a student reads, and by what module.
SAYING = {"deep_checks.py": {"fail"}, "calls.py": {"Fault"}, "archive.py": {"Unfit", "append"},
          "artefacts.py": {"Unfit"}, "hand_ins.py": {"insert"}, "judge.py": {"append"}}
# Of Python, not of ours; or a name alone.
IN_ENGLISH = re.compile(r"(·|\W|\d|x1x)*")


def text_of(node):
    """Return a string or an f-string, with x1x, x2x … for what is filled in; else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts, number = [], 0
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(part.value)
            else:
                number += 1
                parts.append(f"x{number}x")
        return "".join(parts)
    return None


def said_in(file, functions):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            if name in functions:
                for argument in node.args:
                    text = text_of(argument)
                    if text and not IN_ENGLISH.fullmatch(text):
                        yield text


TEXTS = sorted({text for name, functions in SAYING.items()
                for text in said_in(GRADING / name, functions)})


def is_bulgarian(text):
    return re.search("[а-я]", text)


@pytest.mark.parametrize("text", TEXTS)
def test_each_text_is_there(text):
    came = translated(text, "bg")
    assert is_bulgarian(came) or re.fullmatch(r"[^a-wyz]*", text), came
    for part in re.findall(r"x\dx", text):
        assert part in came, came
    assert translated(text, "en") == text


def test_there_are_texts():
    assert len(TEXTS) > 50


@pytest.mark.parametrize("check", scheme.CHECKS, ids=lambda check: check.part)
def test_parts(check):
    is_name = check.part in ("J", "U", "V", "W") or re.fullmatch(r"\w+[A-Z]\w*|d\w+", check.part)
    assert is_name or is_bulgarian(translated(check.part, "bg"))


def usual_mistakes():
    """Yield the keys of the dictionaries of mistakes, in test.py and in the deeper checks."""
    for file in ROOT / "test.py", GRADING / "deep_checks.py":
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            keys = node.keys if isinstance(node, ast.Dict) else []
            for text in filter(None, map(text_of, keys)):
                if re.match(r"(is|has|lacks|takes|leaves|was|lost|goes) ", text):
                    yield text


@pytest.mark.parametrize("mistake", sorted(set(usual_mistakes())))
def test_usual_mistakes(mistake):
    came = translated(f"dVt (S=7 n=5 M=4) {mistake}", "bg")
    assert came.startswith("dVt (S=7 n=5 M=4): "), came
    assert is_bulgarian(came) or "log(" in came, came


@pytest.mark.parametrize("english, bulgarian", BULGARIAN)
def test_template(english, bulgarian):
    """Each says as much as the English, is found in spite of the others, and needs no Latin word
    that is not in the English."""
    assert english.count("{}") == bulgarian.count("{}")
    names = [f"x{number}x" for number in range(english.count("{}"))]
    assert translated(english.format(*names), "bg") == bulgarian.format(*names)
    for word in re.findall("[A-Za-z_]+", bulgarian):
        assert word in english or word in ("pickle", "return", "zip"), word


def test_values_and_pythons_own_words():
    assert translated("expected 1.5 at [3, 2], came -1.5", "bg") == (
        "очаквано 1.5 на място [3, 2], получено -1.5")
    assert translated("ZeroDivisionError", "bg") == "ZeroDivisionError"
    assert translated("grads.lossAndGradient: NotImplementedError: lossAndGradient is still to be "
                      "written: between the marks in grads.py (grads.py, line 31)", "bg") == (
        "grads.lossAndGradient: NotImplementedError: lossAndGradient още не е написано: между "
        "знаците в grads.py (grads.py, line 31)")


def test_no_template_twice():
    english = [template for template, _ in BULGARIAN]
    assert len(set(english)) == len(english) and literal_length("a {} b") == 4
