"""Looking at the embeddings and exporting them: the commands nearest, predict, plot, export.

A new command is a function with its options above it, and a word in COMMANDS below.
"""

import difflib
import re
from pathlib import Path

import numpy as np

from beyond.command_line import RESULTS, abbreviated, number_from, option, takes
from beyond.map import map as map_of_words
from beyond.measures import nearest as find_nearest
from beyond.results import load_results, whole_file
from beyond.submission import submit
from corpus.vocabulary import find_in_vocabulary
from utils import InputError

COUNT = option("--count", metavar="N", type=number_from(1), default=10,
               help="how many to show (%(default)s)")


@takes(option("words", metavar="WORD", nargs="+"), RESULTS, COUNT)
def nearest(options):
    """Print the words nearest to each WORD, or to a sum of words such as a - b + c. Nearness is the
    cosine of rows of [V·W, U], and of U less its mean, since all rows of U have nearly the same
    first coordinate."""
    results = load_results(options.results)
    embeddings = results.both, results.U - results.U.mean(axis=0)
    signs = set(options.words[1::2])
    is_sum = signs and signs <= {"+", "-"}
    queries = [options.words] if is_sum else [[word] for word in options.words]
    for query in queries:
        plus, minus = parse_sum(query)
        plus, minus = indices(plus, results.word2ind), indices(minus, results.word2ind)
        if sorted(plus) == sorted(minus):
            raise InputError(f"{' '.join(query)}: nothing is left of this")

        print(" ".join(query))
        print(f"    {'by [V·W, U]':32}by U, less its mean")
        by_both, by_U = (find_nearest(E, plus, options.count, minus) for E in embeddings)
        for left, right in zip(zip(*by_both), zip(*by_U)):
            print(f"    {cell(*left, results.words)}{cell(*right, results.words)}".rstrip())


def parse_sum(query):
    """Sort the words of a sum such as [a, "-", b, "+", c] into those added and those subtracted."""
    if len(query) % 2 == 0:
        raise InputError(f"{' '.join(query)}: a word is missing at the end")
    signed = list(zip(query[1::2], query[2::2]))
    plus = [query[0]] + [word for sign, word in signed if sign == "+"]
    minus = [word for sign, word in signed if sign == "-"]
    return plus, minus


def cell(index, cosine, words):
    return f"{cosine:.3f}  {abbreviated(words[index], 23):25}"


def indices(words, word2ind):
    """Look words up; InputError, with suggestions, for one that is not in the vocabulary."""
    found = []
    for word in words:
        word = find_in_vocabulary(word, word2ind)
        if word not in word2ind:
            if word2ind.keys() >= set(re.split("[+-]", word)):
                raise InputError(f"{word}: put spaces around + and -")
            similar = difflib.get_close_matches(word, word2ind, 12)
            frequent = sorted(similar, key=word2ind.get)[:4]
            hint = f"; do you mean {', '.join(frequent)}?" if frequent else ""
            raise InputError(f"{word}: not in the vocabulary{hint}")
        found.append(word2ind[word])
    return found


@takes(option("words", metavar="WORD", nargs="+"), RESULTS, COUNT,
       option("--by", choices=["probability", "lift"], default="probability",
                help="sort by p(c|w) (probability) or by p(c|w)/p(c) (lift); default: %(default)s"))
def predict(options):
    """Print the most probable context words c of each WORD w: the model's p(c|w), the share p(c) of
    c in the corpus, and their ratio, the lift."""
    from scipy.special import logsumexp  # here, since it is slow to import
    results = load_results(options.results)
    share = results.freqs / results.freqs.sum()
    for word, w in zip(options.words, indices(options.words, results.word2ind)):
        scores = (results.V @ (results.W @ results.U[w])).astype(np.float64)
        log_normaliser = logsumexp(scores)
        p = np.exp(scores - log_normaliser)
        lift = p / share
        order = np.argsort(-lift if options.by == "lift" else -scores, kind="stable")

        print(f"{word}: Σ_c exp(score) = {np.exp(log_normaliser):.3f}")
        print("    p(c|w)   p(c)     p(c|w)/p(c)  c")
        for c in order[:options.count]:
            print(f"    {p[c]:.5f}  {share[c]:.5f}  {lift[c]:11.2f}  "
                  f"{abbreviated(results.words[c])}")


@takes(option("words", metavar="WORD", nargs="*"), RESULTS,
       option("--picture", metavar="FILE", type=Path, default=Path("words.png"),
              help="where to draw, a name in .png (%(default)s)"))
def plot(options):
    """Draw words by the first two principal components of [V·W, U]."""
    from beyond.pictures import plot_embeddings  # here, since matplotlib is slow to import
    results = load_results(options.results)
    words = [results.words[index] for index in indices(options.words, results.word2ind)]
    if len(words) < 2:
        raise InputError("a picture needs two words or more: name them")
    if options.picture.suffix.lower() != ".png":
        raise InputError(f"{options.picture}: the name must end in .png")
    with whole_file(options.picture) as file:
        plot_embeddings(results.both, {"": words}, results.word2ind, f"{len(words)} words", file)
    print(options.picture)


def write_word2vec_text(file, E, words):
    """Write a line with L and M, and then a line for each word: it and its numbers."""
    file.write("{} {}\n".format(*E.shape).encode())
    numbers = " ".join(["%.9g"] * E.shape[1])           # nine digits tell all float32 apart
    for word, row in zip(words, E):
        file.write(f"{word} {numbers % tuple(row.tolist())}\n".encode())


def write_word2vec_binary(file, E, words):
    """Write the same, with the numbers as little-endian float32."""
    file.write("{} {}\n".format(*E.shape).encode())
    for word, row in zip(words, E):
        file.write(f"{word} ".encode() + row.tobytes() + b"\n")


def write_tsv(file, E, words):
    """Write only the numbers, one row per line, separated by tabs; the words get a second file."""
    np.savetxt(file, E, fmt="%.9g", delimiter="\t")


# To add a format, write a function like these, and give its ending a line here.
FORMATS = {".txt": write_word2vec_text, ".vec": write_word2vec_text, ".bin": write_word2vec_binary,
           ".tsv": write_tsv}


@takes(option("file", metavar="FILE", type=Path,
                help=f"where to write; its ending chooses the format: {', '.join(FORMATS)}"),
       RESULTS,
       option("--embedding", choices=["both", "U", "V"], default="both",
                help="[V·W, U] (both), U or V"))
def export(options):
    """Write the embeddings for gensim and others in word2vec's text format (.txt, .vec) or binary
    format (.bin), or for the TensorFlow Embedding Projector (.tsv, with a second file of the
    words)."""
    write = FORMATS.get(options.file.suffix.lower())
    if not write:
        raise InputError(f"{options.file}: the name must end in one of {', '.join(FORMATS)}")
    results = load_results(options.results)
    E = {"both": results.both, "U": results.U, "V": results.V}[options.embedding].astype("<f4")
    with whole_file(options.file) as file:
        write(file, E, results.words)
    written = [options.file]
    if write is write_tsv:
        written.append(options.file.with_name(f"{options.file.stem}-words.tsv"))
        with whole_file(written[1]) as file:
            file.write("".join(f"{word}\n" for word in results.words).encode())
    print(*written)


COMMANDS = {"nearest": nearest, "predict": predict, "plot": plot, "map": map_of_words,
            "export": export, "submit": submit}
