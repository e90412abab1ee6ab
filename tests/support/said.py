"""What the checks of test.py say of modules in a folder, without a Python of its own."""

import sys
from pathlib import Path

import pytest

import test as checks
from beyond import check_report

MODULES = "sampling", "grads", "w2v_sgd"
NOTES = []          # those of the last check


def note(name, value):
    NOTES.append(value)


CHECK = {
    "sequence": ("sampling", checks.test_3_createSamplingSequence),
    "noise": ("sampling", checks.test_3_noiseDistribution),
    "contexts": ("sampling", checks.test_3_sampleContext),
    "one": ("grads", lambda: checks.test_4_lossAndGradient(note)),
    "cumulative": ("grads", checks.test_5_lossAndGradientCumulative),
    "batched": ("grads", lambda: checks.test_5_lossAndGradientBatched(note)),
    "beside": ("grads", lambda: checks.test_5_batched_beside_cumulative(note)),
    "sgd": ("w2v_sgd", lambda: checks.test_6_stochasticGradientDescend(note))}


def import_from(folder, monkeypatch):
    """Let the checks import the modules of a folder, and not those of the project."""
    others = [place for place in sys.path if Path(place).resolve() != check_report.PROJECT]
    monkeypatch.setattr(sys, "path", [str(folder), *others])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(check_report, "PROJECT", folder)
    for name in MODULES:
        monkeypatch.setitem(sys.modules, name, None)        # so that what is there is put back


def said(check):
    """Run a check on the modules as they are now: the lines that it says, none if it passes."""
    for name in MODULES:
        sys.modules.pop(name, None)
    NOTES.clear()
    _, function = CHECK[check]
    try:
        function()
    except (Exception, pytest.fail.Exception, SystemExit):
        return check_report.reasons(pytest.ExceptionInfo.from_current())
    return []
