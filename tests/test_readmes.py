"""What the READMEs share with the code, with each other, and with the files that they link."""

import re
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ".", "beyond", "benchmarks", "solutions", "corpus/*"
PAGES = [page for folder in FOLDERS for page in sorted(ROOT.glob(f"{folder}/*.md"))]


def code_blocks(page, language):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def commands(page):
    """List the lines of a page's blocks for the shell, without comments."""
    lines = "".join(code_blocks(page, "sh")).splitlines()
    return [re.sub(r"\s+#.*", "", line) for line in lines]


def heading_anchors(page):
    """Collect what links to the headings of a page end in, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_mathematics_is_that_of_grads():
    formulas, = code_blocks("README.md", "python")
    assert formulas.count("\n") == 11
    function = (ROOT / "grads.py").read_text(encoding="utf-8").partition("Batched(")[2]
    assert textwrap.indent(formulas, "    ") in function


def test_the_bulgarian_commands_are_those_of_readme():
    bulgarian = commands("README.bg.md")
    assert len(bulgarian) > 8
    assert set(bulgarian) <= set(commands("README.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = page.parent / target if target else page
        assert path.exists(), link
        assert not anchor or anchor in heading_anchors(path), link
