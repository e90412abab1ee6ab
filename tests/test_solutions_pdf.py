"""The PDFs of solutions/ say what their sources say."""

import runpy
import sys
from pathlib import Path

import pytest

pytest.importorskip("typst")
pypdf = pytest.importorskip("pypdf")

SOLUTIONS = Path(__file__).resolve().parent.parent / "solutions"
BUILD = runpy.run_path(str(SOLUTIONS / "build.py"))
NAMES = [pdf for _, pdf, _ in BUILD["PDFS"]]


def pages(path):
    """Extract the text of each page."""
    return [page.extract_text() for page in pypdf.PdfReader(path).pages]


@pytest.mark.parametrize("source, pdf, inputs", BUILD["PDFS"], ids=NAMES)
def test_pdf_is_that_of_its_source(source, pdf, inputs, tmp_path):
    BUILD["build"](source, tmp_path / pdf, inputs)
    assert pages(tmp_path / pdf) == pages(SOLUTIONS / pdf)


def test_a_missing_package_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "typst", None)
    assert BUILD["main"]() == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "solutions/requirements.txt" in err
