"""README.bg.md says in Bulgarian what README.md says: the parts that need no translation agree."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
BULGARIAN = (ROOT / "README.bg.md").read_text(encoding="utf-8")
CODE_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def headings(text):
    """List the levels of the headings, in their order."""
    return [len(marks) for marks in re.findall(r"^(#+) ", CODE_BLOCK.sub("", text), re.M)]


def code_blocks(text):
    """List the language and the lines of each block of code, without the comments of a shell."""
    blocks = []
    for language, code in CODE_BLOCK.findall(text):
        lines = code.splitlines()
        if language == "sh":
            lines = [re.sub(r"\s+#.*", "", line) for line in lines]
        blocks.append((language, lines))
    return blocks


def sections(text):
    """Split a text into its parts between headings, blocks of code left out."""
    return re.split(r"^#+ .*", CODE_BLOCK.sub("", text), flags=re.M)


def numbers(text):
    """Count the numbers of a text, those in code left out; Bulgarian has a decimal comma."""
    prose = re.sub(r"`[^`]*`|\]\([^)]*\)", " ", text)
    found = re.findall(r"\d+(?:[ \u00a0\u202f]\d{3}\b)*(?:[.,]\d+)?", prose)
    return Counter(re.sub(r"\s", "", number).replace(",", ".") for number in found)


def words_of_code(text):
    """Collect what is written as code within a text."""
    return set(re.findall(r"`([^`]+)`", text))


def table_rows(text):
    """Count the rows of all tables."""
    return len(re.findall(r"^\|", text, re.M))


def test_as_many_headings_of_each_level():
    assert headings(BULGARIAN) == headings(ENGLISH)


def test_the_same_code_blocks():
    assert len(code_blocks(ENGLISH)) > 5
    assert code_blocks(BULGARIAN) == code_blocks(ENGLISH)


def test_the_same_pictures_and_links():
    def targets(text):
        return Counter(re.findall(r"\]\(([^)]+)\)", text))

    def pictures(text):
        return re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)

    assert pictures(BULGARIAN) == pictures(ENGLISH) != []
    ours, theirs = targets(BULGARIAN), targets(ENGLISH)
    assert ours.pop("README.md") == theirs.pop("README.bg.md") == 1
    assert ours == theirs


def test_the_same_figures_files_and_options_in_each_section():
    for english, bulgarian in zip(sections(ENGLISH), sections(BULGARIAN), strict=True):
        assert numbers(bulgarian) == numbers(english)
        assert table_rows(bulgarian) == table_rows(english)
        assert words_of_code(bulgarian) == words_of_code(english)


def test_about_as_long():
    assert 0.8 < len(BULGARIAN) / len(ENGLISH) < 1.25


def test_the_words_of_the_course():
    sources = BULGARIAN
    for name in "README.student.md", "tasks-1-2.typ":
        sources += (ROOT / "solutions" / name).read_text(encoding="utf-8")
    assert re.search("партида", sources) and re.search("негативни пример", sources)
    assert not re.search(r"пакет|отрицател\w+ пример", sources, re.I)
