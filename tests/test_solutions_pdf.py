"""The PDFs of solutions/ are those of their sources."""

import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("typst")

SOLUTIONS = Path(__file__).resolve().parent.parent / "solutions"
BUILD = runpy.run_path(str(SOLUTIONS / "build.py"))
NAMES = [pdf for _, pdf, _ in BUILD["PDFS"]]


@pytest.mark.parametrize("source, pdf, inputs", BUILD["PDFS"], ids=NAMES)
def test_pdf_is_that_of_its_source(source, pdf, inputs, tmp_path):
    BUILD["build"](source, tmp_path / pdf, inputs)
    is_same = (tmp_path / pdf).read_bytes() == (SOLUTIONS / pdf).read_bytes()
    assert is_same, f"{source} or its pictures have changed since {pdf}: run solutions/build.py"


def test_a_missing_package_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "typst", None)
    assert BUILD["main"]() == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "solutions/requirements.txt" in err
