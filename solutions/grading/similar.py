"""Pairs of hand-ins that are suspiciously alike.

They are listed for a person to look at, and never cost anybody a point: who writes down the
formulas of the lecture writes much of what others write.

What is compared are runs of six tokens within a statement, once names, comments, docstrings,
annotations, layout and the text of strings are gone. So it makes no difference to rename
variables, to reorder functions or lines, or to write `a = a - b` for `a -= b`. What the hand-out
contains does not count, and what many have counts less than what two have. The share is that of
the smaller of two hand-ins, so that a copy cannot be hidden by adding to it.
"""

import builtins
import io
import keyword
import math
import random
import re
import tokenize
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

RUN = 6                     # tokens
ALIKE = 0.8                 # the share from which a pair is listed; see tests/test_similar.py
LEAST_RUNS = 60             # of its own in a hand-in; with less, all that are right are alike
FEW = 6                     # hand-ins, too few to tell what many write
GIVEN = {"run.py", "test.py", "utils.py"}       # the assignment's other files: not compared
MOST_BYTES = 64_000         # of a file that are read
MOST_FILES = 10             # of a hand-in that are read
PAIRS_WITH_PLACES = 200     # the most alike ones
PLACES_NAMED = 5            # in a line of the report
LINES_BETWEEN = 3           # two alike statements, at most, in one place
OCCURRENCES = 10            # of a run in a hand-in that are looked at to find the places

WITHOUT_MEANING = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT,
                   tokenize.ENDMARKER}
AUGMENTED = {"+=", "-=", "*=", "/=", "@=", "**=", "//=", "%=", "|=", "&=", "^="}
OF_PYTHON = {*keyword.kwlist, *dir(builtins)}
OF_LIBRARIES = {name for owner in (np, np.random, np.ndarray, np.ufunc, math, random, list, dict)
                for name in dir(owner)} | {"expit", "log_expit"}

LONG_STRING = re.compile(r"""('''|\"\"\").*?\1""", re.DOTALL)
CRUDE_TOKEN = re.compile(r"""\#.* | "[^"]*" | '[^']*' | \w+(?:\.\d+)?
                             | \*\*=? | //=? | -> | [-+*/%@&|^<>=!:]= | \S""", re.VERBOSE)


@dataclass(frozen=True)
class Lines:
    """Lines of a file, the last one included."""

    file: str
    first: int
    last: int

    def __str__(self):
        return f"{self.file} {self.numbers}"

    @property
    def numbers(self):
        """Return the numbers of the lines: "40–52"."""
        return f"{self.first}–{self.last}" if self.last > self.first else f"{self.first}"

    def is_near(self, other):
        """Tell whether other begins or ends in these lines, or a few lines from them."""
        return (self.file == other.file
                and self.first - LINES_BETWEEN <= other.last
                and other.first <= self.last + LINES_BETWEEN)

    def joined(self, other):
        """Return the lines from the first to the last of both."""
        return replace(self, first=min(self.first, other.first), last=max(self.last, other.last))


@dataclass(frozen=True)
class Pair:
    """Two hand-ins that are alike."""

    first: str          # students
    second: str
    share: float        # 0 to 1, of the smaller hand-in
    places: tuple = ()  # pairs of Lines, the longest first; () beyond the first 200 pairs


@dataclass(frozen=True)
class Statement:
    """A statement of a hand-in: where it stands, and its runs that are not in the hand-out."""

    lines: Lines
    runs: frozenset


def similar_pairs(sources, handed_out, threshold=ALIKE):
    """Find the pairs of hand-ins that are suspiciously alike, for a person to look at.

    Parameters
    ----------
    sources : dict from student to the files of the hand-in, a dict from file name to bytes
    handed_out : dict from any name to the bytes of a file that all were given
    threshold : the least share of a pair

    Returns
    -------
    list of Pair, the most alike first
    """
    given = {run for statement in _statements(handed_out, set()) for run in statement.runs}
    statements = {}
    runs = {}
    for student, files in sources.items():
        own = _statements(files, given)
        own_runs = set().union(*(statement.runs for statement in own))
        if len(own_runs) >= LEAST_RUNS:
            statements[student] = own
            runs[student] = own_runs
    if len(runs) < 2:
        return []

    students = list(runs)
    shares = _shares(runs.values())
    pairs = [Pair(students[i], students[j], float(shares[i, j]))
             for i, j in np.argwhere(np.triu(shares >= threshold, k=1))]
    pairs.sort(key=lambda pair: -pair.share)
    for number, pair in enumerate(pairs[:PAIRS_WITH_PLACES]):
        places = _places(statements[pair.first], statements[pair.second])
        pairs[number] = replace(pair, places=places)
    return pairs


def compared_in_part(sources):
    """Return a line for each hand-in that is too large to be compared as a whole."""
    lines = []
    for student, files in sources.items():
        sizes = [len(data) for file, data in files.items() if file not in GIVEN]
        if len(sizes) > MOST_FILES or max(sizes, default=0) > MOST_BYTES:
            lines.append(f"{student}: only the first {MOST_BYTES // 1000} kB of a file, and the "
                         f"first {MOST_FILES} files, were compared with others")
    return lines


def described(pairs):
    """Return a line for each pair: who, how much, and where."""
    lines = []
    for pair in pairs:
        places = []
        for first, second in pair.places[:PLACES_NAMED]:
            same_file = first.file == second.file
            places.append(f"{first} / {second.numbers if same_file else second}")
        if len(pair.places) > PLACES_NAMED:
            places.append("…")
        line = f"{pair.first} and {pair.second}: {100 * pair.share:.0f} % alike"
        lines.append(": ".join([line, ", ".join(places)]) if places else line)
    return lines


def _shares(runs_of_all):
    """Compute what share of the runs of the smaller of any two hand-ins the other one has, too.

    A run that d of N hand-ins have weighs log((1 + N)/d): little if nearly all have it, but never
    nothing, so that all may be copies of one. Of a few hand-ins that says nothing: all weigh 1.
    """
    has_run = CountVectorizer(analyzer=list, binary=True, dtype=float).fit_transform(runs_of_all)
    N, distinct_runs = has_run.shape
    weights = np.ones(distinct_runs)
    if N >= FEW:
        weights = np.log((1 + N) / np.asarray(has_run.sum(axis=0)).ravel())
    shared = (has_run @ sparse.diags(weights) @ has_run.T).toarray()
    own = shared.diagonal()
    return shared / np.minimum.outer(own, own)


def _places(first, second):
    """Find where two hand-ins are alike: pairs of Lines, the longest first."""
    having = defaultdict(list)
    for statement in second:
        for run in statement.runs:
            if len(having[run]) < OCCURRENCES:
                having[run].append(statement)

    places = []
    for statement in first:
        lines = statement.lines
        candidates = _counterparts(statement, having)
        if not candidates:
            continue
        if places and places[-1][0].is_near(lines):
            here, there = places[-1]
            near = [other for other in candidates if there.is_near(other)]
            if near:        # it continues the place before
                places[-1] = here.joined(lines), there.joined(near[0])
                continue
        places.append((lines, candidates[0]))
    return tuple(sorted(places, key=lambda place: place[0].first - place[0].last))


def _counterparts(statement, having):
    """Return the Lines of the statements that have half of this one's runs, or more, best first."""
    common = Counter()
    for run in statement.runs:
        for other in having.get(run, []):
            common[other.lines] += 1
    return [lines for lines, count in common.most_common() if count >= len(statement.runs) / 2]


def _statements(files, given):
    """Read the statements of some files that have runs which are not in the set given."""
    statements = []
    compared = [file for file in files if file not in GIVEN]
    for file in compared[:MOST_FILES]:
        for lines, tokens in _split(file, _tokens(files[file][:MOST_BYTES])):
            runs = _runs(_normalised(tokens)) - given
            if runs:
                statements.append(Statement(lines, runs))
    return statements


def _runs(tokens):
    """Return the runs of a statement's tokens, each as a text; the statement if it is short."""
    bounded = ["\n", *tokens, "\n"]
    starts = range(max(len(bounded) - RUN, 0) + 1)
    return frozenset(" ".join(bounded[start:start + RUN]) for start in starts)


def _split(file, tokens):
    """Split tokens into statements: yield of each the Lines and the texts of its tokens."""
    texts, numbers = [], []
    for text, number in [*tokens, ("\n", 0)]:
        if text not in ("\n", ";"):
            texts.append(text)
            numbers.append(number)
        elif texts:
            yield Lines(file, numbers[0], numbers[-1]), texts
            texts, numbers = [], []


def _normalised(tokens):
    """Return the tokens of a statement without what is easily changed."""
    normalised = []
    for before, token in zip(["", *tokens], tokens):
        known = OF_LIBRARIES if before == "." else OF_PYTHON
        if token.isidentifier() and token not in known:
            token = "x"
        elif token[:1].isdigit():
            token = token.removesuffix(".0").removesuffix(".")
        normalised.append(token)

    if normalised[:2] == ["x", ":"] and "=" in normalised:      # x: float = 1
        del normalised[1:normalised.index("=")]
    for place, token in enumerate(normalised):
        if token in AUGMENTED:
            target, value = normalised[:place], normalised[place + 1:]
            return [*target, "=", *target, token[:-1], *value]
    return normalised


def _tokens(data):
    """Read the texts and lines of a file's tokens: of a string '"', of a statement's end "\\n"."""
    text = data.decode("utf-8-sig", errors="replace").replace("\0", "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    tokens = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in WITHOUT_MEANING:
                special = {tokenize.NEWLINE: "\n", tokenize.STRING: '"'}
                tokens.append((special.get(token.type, token.string), token.end[0]))
    except (SyntaxError, tokenize.TokenError):
        return _crude_tokens(text)
    return tokens


def _crude_tokens(text):
    """Read the tokens of what is not Python, each line as a statement."""
    text = LONG_STRING.sub(lambda string: '""' + "\n" * string[0].count("\n"), text)
    tokens = []
    for number, line in enumerate(text.split("\n"), start=1):
        for token in CRUDE_TOKEN.findall(line):
            if token.startswith("#"):
                break
            tokens.append(('"' if token[0] in "\"'" else token, number))
        tokens.append(("\n", number))
    return tokens
