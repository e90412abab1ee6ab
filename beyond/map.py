"""The command map: what the page map.html shows is computed here."""

import base64
import json
import re
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from beyond.command_line import RESULTS, abbreviated, number_from, option, takes
from beyond.results import load_results, load_run, whole_file
from utils import InputError, tell

TEMPLATE = Path(__file__).with_name("map.html")
LISTED = 10             # the length of each list: nearest words, context words
REGIONS = 12            # as many as map.html has colours
ITERATIONS = 500        # of t-SNE; with 1000 it takes twice as long for nearly the same map
MOST_WORDS = 2 ** 16    # on a page: its lists have two bytes for each word
PART = 256              # words compared with all others at once; more would need more memory


@takes(RESULTS,
       option("--words", metavar="N", type=number_from(10), default=6000,
              help="show N words: frequent ones and their commonest neighbours (%(default)s)"),
       option("--out", metavar="FILE", type=Path, default=Path("map.html"),
              help="where to write the page (%(default)s)"),
       option("--language", choices=["bg", "en"],
              help="of the page (bg for results of journalism_bg, else en)"))
def map(options):
    """Write a page for the browser: a map of words, near each other where their contexts are alike,
    with the nearest words and the context words of each."""
    results, run = load_results(options.results), load_run(options.results)
    corpus = run.corpus if run else ""
    language = options.language or ("bg" if corpus == "journalism_bg" else "en")
    with whole_file(options.out) as file, threadpool_limits(1, "blas"):
        # As in run.py: a product of matrices is the same on one core and on many.
        data = describe(results, options.words)
        data |= {"language": language, "corpus": abbreviated(corpus)}
        file.write(make_page(data).encode())
    print(options.out)


def describe(results, count):
    """Collect what the page shows of `count` words on the map, and of those that their lists name.

    The page numbers its words anew: first those on the map, by frequency, and then the others.
    """
    from sklearn.preprocessing import normalize  # here, since scikit-learn is slow to import
    E = normalize(results.both)
    if (E == E[0]).all():
        raise InputError("all words have the same embeddings, so there is nothing to map; train")
    tell(f"looking for the neighbours of {min(count, len(E)):,} words …")
    words, near, cosines = choose_words(E, count)
    probable, log_p = contexts_of_each(results, words, 0)
    lifted, lifted_log_p = contexts_of_each(results, words, np.log(results.freqs))

    listed = np.concatenate([near, probable, lifted], axis=None)
    page = np.append(words, np.setdiff1d(listed, words))
    if len(page) > MOST_WORDS:
        raise InputError(f"--words {count}: their lists name too many others; take fewer words")
    number = np.zeros(len(E), dtype=int)
    number[page] = np.arange(len(page))
    others_near, others_cosines = nearest_to_each(E, page[len(words):], words)
    near = number[np.vstack([near, others_near])]
    probable, lifted = number[probable], number[lifted]

    texts, counts = [results.words[index] for index in page], results.freqs[page]
    log_lift = lifted_log_p - np.log(counts[lifted] / results.freqs.sum())
    interest = interest_of_each(texts, near, lifted, log_lift)
    places = place(E[words])
    regions, titles = find_regions(E[words], places, texts, interest)
    examples = sorted((first for first, *_ in titles), key=lambda word: -interest[word])
    return {"words": [abbreviated(text) for text in texts],
            "counts": counts.tolist(), "total": results.freqs.sum().item(), "vocabulary": len(E),
            "places": packed(10000 * places, "<i2"), "regions": packed(regions, "u1"),
            "titles": titles, "examples": examples[:3],
            "near": packed(near, "<u2"),
            "cosines": packed(1000 * np.vstack([cosines, others_cosines]), "<i2"),
            "probable": packed(probable, "<u2"), "probable_p": packed(-4096 * log_p, "<u2"),
            "lifted": packed(lifted, "<u2"), "lifted_p": packed(-4096 * lifted_log_p, "<u2")}


def packed(numbers, kind):
    """Write whole numbers as base64, which is half as long as their digits."""
    in_range = np.minimum(np.rint(numbers), np.iinfo(kind).max)
    return base64.b64encode(in_range.astype(kind).tobytes()).decode()


def choose_words(E, count):
    """Choose words for the map: two thirds the most frequent, the rest those that they list most.

    So a click lists far fewer words that are not on the map than if all were the most frequent.
    Returns the words, the most frequent first, and the indices and cosines of their neighbours.
    """
    frequent, others = np.split(np.arange(len(E)), [-(-2 * count // 3)])
    near, cosines = nearest_to_each(E, frequent, np.arange(len(E)))
    times_listed = np.bincount(near.ravel(), minlength=len(E))[others]
    added = np.sort(others[np.argsort(-times_listed, kind="stable")[:count - len(frequent)]])
    more_near, more_cosines = nearest_to_each(E, added, np.arange(len(E)))
    words = np.append(frequent, added)
    return words, np.vstack([near, more_near]), np.vstack([cosines, more_cosines])


def nearest_to_each(E, words, candidates):
    """Find the candidates nearest to each of `words` by cosine; E has unit rows.

    Returns their indices and their cosines, N×LISTED (fewer if there are no more candidates).
    """
    found, rows = [], E[candidates]
    for part in np.array_split(words, len(words) // PART + 1):
        similarity = E[part] @ rows.T
        similarity[part[:, None] == candidates] = -2        # no neighbour of itself
        near = greatest(similarity, min(LISTED, len(E) - 1))
        found.append((candidates[near], np.take_along_axis(similarity, near, axis=1)))
    return [np.vstack(parts) for parts in zip(*found)]


def contexts_of_each(results, words, subtracted):
    """Find the context words c of each w of `words` with the greatest log p(c|w) - subtracted.

    If 0 is subtracted, they are the most probable; if log #(c) is, those of the highest lift
    p(c|w)/p(c). Returns their indices and their log p(c|w), N×LISTED.
    """
    from scipy.special import log_softmax  # here, since it is slow to import
    found = []
    for part in np.array_split(words, len(words) // PART + 1):
        log_p = log_softmax(results.U[part] @ results.W.T @ results.V.T, axis=1)
        contexts = greatest(log_p - subtracted, LISTED)
        found.append((contexts, np.take_along_axis(log_p, contexts, axis=1)))
    return [np.vstack(parts) for parts in zip(*found)]


def greatest(rows, count):
    """Find the indices of the greatest numbers of each row, the greatest first."""
    count = min(count, rows.shape[1])
    found = np.sort(np.argpartition(-rows, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(rows, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def interest_of_each(texts, near, lifted, log_lift):
    """Rate each word on the map by what a click on it would list.

    A word is interesting if its neighbours list it in turn, if most of the listed are plain words,
    and if the lift of its context words is high. Rarer words and what is no plain word get 0.
    """
    count = len(lifted)
    near_on_map, word = near[:count], np.arange(count)
    is_plain = np.array([text.isalpha() and len(text) > 4 for text in texts])
    mutual = (near[near_on_map] == word[:, None, None]).any(axis=2).mean(axis=1)
    plain = is_plain[near_on_map].mean(axis=1) * is_plain[lifted].mean(axis=1)
    is_candidate = is_plain[:count] & (word < count / 6)
    return is_candidate * mutual * plain * log_lift.mean(axis=1)


class Iterations:
    """Stands in for stdout while t-SNE prints, and tells how far it is."""

    def write(self, text):
        found = re.search(r"Iteration (\d+)00:", text)
        if found:
            tell(f"{100 * int(found[1]) / ITERATIONS:4.0%}")


def place(rows):
    """Find places by t-SNE: neighbours by cosine are near each other. Each axis is from -1 to 1."""
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import minmax_scale
    tell(f"placing {len(rows):,} words by t-SNE …")
    tsne = TSNE(perplexity=min(30, (len(rows) - 1) / 3), metric="cosine", angle=0.7,
                max_iter=ITERATIONS, random_state=0, verbose=2)
    with redirect_stdout(Iterations()):
        return minmax_scale(tsne.fit_transform(rows), (-1, 1))


def find_regions(E, places, texts, interest):
    """Sort words into regions by k-means, except the commonest and what is no word.

    Returns a region per word, REGIONS for none, and for each region its title: two words of
    interest that are near its middle on the map.
    """
    from sklearn.cluster import KMeans
    regions = np.full(len(E), REGIONS)
    commonest = len(E) // 60                    # of 6,000 words the first 100: “the”, “is”, …
    words = np.array([word for word in range(commonest, len(E)) if texts[word][:1].isalpha()])
    count = min(REGIONS, len(words) // 10)
    if count == 0:
        return regions, []
    regions[words] = KMeans(count, n_init=4, random_state=0).fit_predict(E[words])

    titles = []
    for region in range(count):
        members = np.flatnonzero(regions == region)
        distances = np.linalg.norm(places[members] - np.median(places[members], axis=0), axis=1)
        [best] = greatest((interest[members] * np.exp(-8 * distances))[None], 2)
        titles.append(members[best].tolist())
    return regions, titles


def make_page(data):
    """Put the data into the template, as JSON in which no word can end the script around it."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    written = re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", written)
    before, after = TEMPLATE.read_text(encoding="utf-8").split("{{DATA}}")
    return before + written + after
