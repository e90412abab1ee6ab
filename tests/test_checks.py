"""What test.py says of mistakes that students make: the first line of it."""

import importlib.util
import shutil
import sys
import types

import pytest

from tests.support.launch import RUN, python

ROOT = RUN.parent
STUDENT = ROOT / "tests/student"


def load_checks():
    """Import test.py by its path: Python has a module of that name itself."""
    spec = importlib.util.spec_from_file_location("checks", ROOT / "test.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECKS = load_checks()


@pytest.fixture
def put(monkeypatch):
    """A function that puts a student's module in place of ours, a piece of it exchanged."""
    def put(name, right="", wrong=""):
        source = (STUDENT / f"{name}.py").read_text(encoding="utf-8")
        assert right in source
        module = types.ModuleType(name)
        exec(source.replace(right, wrong) if right else source, vars(module))
        monkeypatch.setitem(sys.modules, name, module)

    for name in "sampling", "grads", "w2v_sgd":
        put(name)
    return put


def first_line(check, *arguments):
    """What a check says first; None if it passes."""
    try:
        check(*arguments)
    except pytest.fail.Exception as failure:
        return failure.msg.split("\n")[0]
    return None


@pytest.mark.parametrize("right, wrong, check, expected", [
    ("[i for i", "[float(i) for i", CHECKS.test_3_createSamplingSequence,
     "the sequence holds float, expected word indices (int)"),
    ("[i for i", "[i + 1 for i", CHECKS.test_3_sampleContext,
     "the sequence holds 400, expected word indices from 0 to 399"),
    ("round(f ** 0.75))]", "int(f ** 0.75))]", CHECKS.test_3_createSamplingSequence,
     "how often the words occur in the sequence is rounded down"),
    ("<= negativesCount", "< negativesCount", CHECKS.test_3_sampleContext,
     "expected 8 words, the context word and 7 negatives, came 7"),
    ("random.choice(seq)", "random.randrange(max(seq) + 1)", CHECKS.test_3_sampleContext,
     "the negatives do not follow q"),
])
def test_task_3(put, right, wrong, check, expected):
    put("sampling", right, wrong)
    assert first_line(check) == expected


def test_negatives_may_be_a_set(put):
    """Drawn without replacement, and then in the order of their indices."""
    put("sampling", """        if word != contextWord:
            context.append(word)
    return context""", """        if word not in context:
            context.append(word)
    return [contextWord, *sorted(set(context[1:]))]""")
    assert first_line(CHECKS.test_3_sampleContext) is None


@pytest.mark.parametrize("right, wrong, expected", [
    ("sigmoid(score) - delta\n", "sigmoid(score)\n",
     "du_w (n=5 M=4) takes the context word for a negative: is δ missing?"),
    ("W @ u_w - q\n", "W @ u_w + q\n", "J (n=5 M=4) has q with the wrong sign"),
    ("softplus(score[1:]).sum()", "softplus(score[1:]).mean()",
     "J (n=5 M=4) has the mean over the negatives, not their sum"),
    ("score = Vt @ W @ u_w - q\n", "q -= Vt @ W @ u_w\n    score = -q\n",
     "lossAndGradient changes its argument q: it must work on a copy"),
    ("    return J, du_w, dVt, dW\n\n\ndef lossAndGradientC", "\n\ndef lossAndGradientC",
     "J, du_w, dVt, dW: expected 4 results, came None: is a return missing?"),
    ("delta = np.zeros(len(q))",
     "u_w, Vt, W, q = (np.float32(X) for X in (u_w, Vt, W, q)); delta = 0 * q", None),
])
def test_task_4(put, right, wrong, expected):
    put("grads", right, wrong)
    assert first_line(CHECKS.test_4_lossAndGradient) == expected


@pytest.mark.parametrize("right, wrong, expected", [
    ("J / S, du_w, dVt, dW\n", "J / S, du_w / S, dVt / S, dW / S\n",
     "du_w (S=7 n=5 M=4) is divided by S twice"),
    ("score)).sum()", "score)).sum(axis=1)",
     "J (S=7 n=5 M=4) has the shape (7,), expected one number"),
])
def test_task_5(put, right, wrong, expected):
    put("grads", right, wrong)
    assert first_line(CHECKS.test_5, "lossAndGradientBatched") == expected


@pytest.mark.parametrize("right, wrong, expected", [
    ("            W -= alpha * dW\n", "", "W (one batch) was never changed"),
    ("np.subtract.at(V, context, alpha * dVt)", "V[context] -= alpha * dVt",
     "V (one batch) lost gradients of words that are repeated in a batch"),
    ("np.subtract.at(V, context, alpha * dVt)",
     "np.subtract.at(V, context[:, 0], alpha * dVt[:, 0])",
     "V (one batch) was changed only for context words, not for negatives"),
    ("np.subtract.at(V, context, alpha * dVt)",
     "V[context[:, 0]] -= alpha * dVt[:, 0]; "
     "np.subtract.at(V, context[:, 1:], alpha * dVt[:, 1:])", "V (one batch) is wrong"),
    ("len(data), batchSize)", "len(data) - batchSize + 1, batchSize)",
     "the last batch of an epoch, the smaller one, is left out (S=7 N=30)"),
    ("range(epochs)", "range(epochs + 1)", "the number of epochs is 2, expected 1 (one batch)"),
    ("return U, V, W", "return U, V, W, J", "U, V, W: expected 3 results, came 4"),
    ("order = np.random.permutation(len(data))",
     "np.random.shuffle(data); order = np.arange(len(data))", None),
])
def test_task_6(put, right, wrong, expected):
    put("w2v_sgd", right, wrong)
    assert first_line(CHECKS.test_6_stochasticGradientDescend) == expected


def exchange(file, right, wrong):
    text = file.read_text(encoding="utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), encoding="utf-8")


@pytest.mark.parametrize("task, name, right, wrong, expected", [
    ("4", "grads", "delta[0] = 1", "delta[0] == = 1",
     "SyntaxError: invalid syntax (grads.py, line 17)"),
    ("4", "grads", "def lossAndGradient(", "def gradient(",
     "grads.py has no function lossAndGradient"),
    ("6", "w2v_sgd", "alpha * dW", "alfa * dW",
     "NameError: name 'alfa' is not defined (w2v_sgd.py, line 19)"),
    ("6", "w2v_sgd", "for _ in range(epochs):", "while epochs:",
     "took longer than 4 s: an endless loop? (w2v_sgd.py, line "),
])
def test_the_command(tmp_path, task, name, right, wrong, expected):
    (tmp_path / "beyond").mkdir()
    for file in "test.py", "pyproject.toml", "beyond/__init__.py", "beyond/check_report.py":
        shutil.copy(ROOT / file, tmp_path / file)
    for file in STUDENT.glob("*.py"):
        shutil.copy(file, tmp_path)
    exchange(tmp_path / "beyond/check_report.py", "SECONDS = 60", "SECONDS = 4")
    exchange(tmp_path / f"{name}.py", right, wrong)
    result = python("test.py", task, cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout.splitlines()[3].startswith(f"      {expected}"), result.stdout
