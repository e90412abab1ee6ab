"""The map: a page with the words at their places, to wander about in (the command map).

What the page looks like and does stands in map.html; here is what it is told about the words.
"""

import json
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from beyond.command_line import RESULTS, abbreviated, number_from, option, takes
from beyond.results import RUN, load_results, whole_file
from utils import InputError, tell

TEMPLATE = Path(__file__).with_name("map.html")
LISTED = 10                     # so many nearest words, and context words, has each word's list


@takes(RESULTS,
       option("--words", metavar="N", type=number_from(2), default=2000,
                help="show the N most frequent words (%(default)s)"),
       option("--out", metavar="FILE", type=Path, default=Path("map.html"),
                help="where to write the page (%(default)s)"),
       option("--language", choices=["bg", "en"],
                help="of the page (bg for results of journalism_bg, else en)"))
def map(options):
    """Write a page for the browser: a map of words, near each other where their contexts are alike,
    with the nearest words and the most probable context words of each."""
    results = load_results(options.results)
    corpus = corpus_name(options.results)
    language = options.language or ("bg" if corpus == "journalism_bg" else "en")
    words = most_frequent(results, options.words)
    if not options.out.parent.is_dir():
        raise InputError(f"{options.out.parent}: no such folder")

    with whole_file(options.out) as file, threadpool_limits(1, "blas"):
        tell(f"placing {len(words):,} words by t-SNE …")
        data = describe(results, words) | {"language": language, "corpus": abbreviated(corpus)}
        file.write(make_page(data).encode())
    print(options.out)


def corpus_name(folder):
    """Read what was trained on; "" for results of before this was written down, or by others."""
    try:
        corpus = json.loads((folder / RUN).read_text(encoding="utf-8"))["corpus"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return corpus if isinstance(corpus, str) else ""


def most_frequent(results, count):
    """Find the indices of the most frequent words; of the first ones if frequencies are unknown."""
    if results.freqs is None:
        return np.arange(min(count, len(results.words)))
    return np.argsort(-results.freqs.astype(float), kind="stable")[:count]


def describe(results, words):
    """Collect what the page says: words, their places, nearest words and probable context words.

    The words of the page are numbered anew: first those on the map, then the others that are named
    in lists. For brevity all lists stand one after another, and numbers are whole: coordinates from
    -5000 to 5000, cosines in thousandths, probabilities in hundred-thousandths.
    """
    E = results.both
    places = place(E[words])
    near, cosines = nearest_to_each(E, words)
    contexts, probabilities = contexts_of_each(results, words)

    others = np.setdiff1d(np.concatenate([near, contexts], axis=None), words)
    named = np.concatenate([words, others])
    number = np.zeros(len(E), dtype=int)
    number[named] = np.arange(len(named))
    data = {
        "words": [abbreviated(results.words[index]) for index in named],
        "places": whole(places, 5000),
        "near": number[near].ravel().tolist(),
        "cosines": whole(cosines, 1000),
        "contexts": number[contexts].ravel().tolist(),
        "probabilities": whole(probabilities, 100000),
    }
    if results.freqs is not None:
        data["counts"] = results.freqs[named].tolist()
        data["total"] = results.freqs.sum().item()
    return data


def whole(numbers, unit):
    """Write numbers as multiples of 1/unit, in one list."""
    return np.rint(numbers.astype(np.float64) * unit).astype(int).ravel().tolist()


def place(rows):
    """Find places in the plane, N×2 from -1 to 1, where neighbours by cosine are near each other.

    One thread adds up in the same order every time, so that the same rows get the same places.
    """
    from sklearn.decomposition import PCA  # here, since scikit-learn is slow to import
    from sklearn.manifold import TSNE
    with threadpool_limits(1):
        start = PCA(2, svd_solver="full").fit_transform(rows)
        start *= 1e-4 / max(start[:, 0].std(), np.finfo(start.dtype).tiny)
        perplexity = min(30, (len(rows) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, metric="cosine", init=start, random_state=0)
        places = tsne.fit_transform(rows)
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    return places / max(abs(places).max(), np.finfo(places.dtype).tiny)


def nearest_to_each(E, words):
    """Find the words nearest to each of some, as `nearest` does, but scale E only once.

    Returns their indices and their cosines, N×LISTED (fewer if there are no more words).
    """
    tiny = np.finfo(E.dtype).tiny
    E = E / np.maximum(np.linalg.norm(E, axis=1, keepdims=True), tiny)
    near, cosines = [], []
    for w in words:
        similarity = E @ E[w] / max(np.linalg.norm(E[w]), tiny)
        ranked = greatest(similarity, LISTED + 1)
        ranked = ranked[ranked != w][:LISTED]
        near.append(ranked)
        cosines.append(similarity[ranked])
    return np.array(near), np.array(cosines)


def contexts_of_each(results, words):
    """Find the most probable context words of each of some words, as `predict` does.

    Returns their indices and their p(c|w), N×LISTED (fewer if there are no more words).
    """
    U, V, W = results.U, results.V, results.W
    contexts, probabilities = [], []
    for w in words:
        scores = (V @ (W @ U[w])).astype(np.float64)
        ranked = greatest(scores, LISTED)
        exp_scores = np.exp(scores - scores.max())          # none overflows
        contexts.append(ranked)
        probabilities.append(exp_scores[ranked] / exp_scores.sum())
    return np.array(contexts), np.array(probabilities)


def greatest(numbers, count):
    """Find the indices of the greatest numbers, the greatest first and of equal ones the first."""
    least = np.partition(numbers, -count)[-count] if count < len(numbers) else numbers.min()
    candidates = np.flatnonzero(numbers >= least)
    return candidates[np.argsort(-numbers[candidates], kind="stable")[:count]]


def make_page(data):
    """Put the data into the template, as JSON in which no word can end the script around it."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    before, after = TEMPLATE.read_text(encoding="utf-8").split("{{DATA}}")
    return before + written + after
