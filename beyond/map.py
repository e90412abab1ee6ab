"""The map, a page to wander about in: map.html, and what it shows, which is computed here."""

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
MOST_WORDS = 2 ** 16    # on a page, since its lists have two bytes for each
PART = 256              # so many words are compared with all others at once, for less memory


@takes(RESULTS,
       option("--words", metavar="N", type=number_from(2), default=6000,
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
    with whole_file(options.out) as file, threadpool_limits(1):
        # One thread adds up in the same order every time: the same results give the same page.
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
    words, near, cosines = choose_words(E, results.freqs, count)
    contexts = {"probable": contexts_of_each(results, words, 0),
                "lifted": contexts_of_each(results, words, np.log(results.freqs))}

    named = np.concatenate([near, *(c for c, _ in contexts.values())], axis=None)
    page = np.concatenate([words, np.setdiff1d(named, words)])
    if len(page) > MOST_WORDS:
        raise InputError(f"--words {count}: their lists name too many others; take fewer words")
    number = np.zeros(len(E), dtype=int)
    number[page] = np.arange(len(page))
    others_near, others_cosines = nearest_to_each(E[page], np.arange(len(words), len(page)))

    places = place(E[words])
    texts = [results.words[index] for index in page]
    regions, titles = find_regions(E[words], places, texts)
    data = {"words": [abbreviated(text) for text in texts],
            "places": packed(10000 * places, "<i2"),
            "regions": packed(regions, "u1"),
            "titles": titles,
            "near": packed(np.vstack([number[near], others_near]), "<u2"),
            "cosines": packed(1000 * np.vstack([cosines, others_cosines]), "<i2"),
            "counts": results.freqs[page].tolist(),
            "total": results.freqs.sum().item()}
    for order, (c, log_p) in contexts.items():
        data[order] = packed(number[c], "<u2")
        data[f"{order}_p"] = packed(np.minimum(-4096 * log_p, MOST_WORDS - 1), "<u2")
    return data


def packed(numbers, kind):
    """Write whole numbers as base64, which is half as long as their digits."""
    return base64.b64encode(np.rint(numbers).astype(kind).tobytes()).decode()


def choose_words(E, freqs, count):
    """Choose words for the map: two thirds the most frequent, the rest those that they list most.

    So a click lists far fewer words that are not on the map than if all were the most frequent.
    Returns the words, the most frequent first, and the indices and cosines of their neighbours.
    """
    order = np.argsort(-freqs.astype(float), kind="stable")
    frequent, others = np.split(order, [-(-2 * count // 3)])
    tell(f"looking for the neighbours of {min(count, len(E)):,} words …")
    lists = nearest_to_each(E, frequent)
    times_listed = np.bincount(lists[0].ravel(), minlength=len(E))[others]
    added = others[np.sort(np.argsort(-times_listed, kind="stable")[:count - len(frequent)])]
    more = nearest_to_each(E, added)
    return [np.concatenate(parts) for parts in ((frequent, added), *zip(lists, more))]


def nearest_to_each(E, words):
    """Find the nearest words to some by cosine, as the command nearest does; E has unit rows.

    Returns their indices and their cosines, N×LISTED (fewer if there are no more words).
    """
    listed = min(LISTED, len(E) - 1)
    near, cosines = np.empty((len(words), listed), dtype=int), np.empty((len(words), listed))
    for start in range(0, len(words), PART):
        part = slice(start, start + PART)
        similarity = E[words[part]] @ E.T
        similarity[np.arange(len(similarity)), words[part]] = -2        # no neighbour of itself
        near[part] = greatest(similarity, listed)
        cosines[part] = np.take_along_axis(similarity, near[part], axis=1)
    return near, cosines


def contexts_of_each(results, words, subtracted):
    """Find the context words of some words for which log p(c|w) less `subtracted` is the greatest.

    Less 0, they are the most probable; less log #(c), those of the highest lift p(c|w)/p(c), as the
    command predict has them. Returns their indices and their log p(c|w), N×LISTED.
    """
    from scipy.special import log_softmax  # here, since it is slow to import
    contexts, chosen_log_p = [], []
    for start in range(0, len(words), PART):
        scores = results.U[words[start:start + PART]] @ results.W.T @ results.V.T
        log_p = log_softmax(scores, axis=1)
        contexts.append(greatest(log_p - subtracted, LISTED))
        chosen_log_p.append(np.take_along_axis(log_p, contexts[-1], axis=1))
    return np.vstack(contexts), np.vstack(chosen_log_p)


def greatest(rows, count):
    """Find the indices of each row's greatest numbers, sorted; of equal ones the first."""
    count = min(count, rows.shape[1])
    found = []
    for row, least in zip(rows, np.partition(rows, -count, axis=1)[:, -count]):
        candidates = np.flatnonzero(row >= least)
        found.append(candidates[np.argsort(-row[candidates], kind="stable")[:count]])
    return np.array(found)


class Iterations:
    """Stands in for stdout while t-SNE prints, and tells how far it is."""

    def write(self, text):
        found = re.search(r"Iteration (\d+)", text)
        if found and int(found[1]) % 100 == 0:
            tell(f"{int(found[1]) / ITERATIONS:4.0%}")


def place(rows):
    """Find places, N×2 from -1 to 1, by t-SNE: neighbours by cosine are near each other."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    tell(f"placing {len(rows):,} words by t-SNE …")
    start = PCA(2, svd_solver="full").fit_transform(rows)
    start *= 1e-4 / max(start[:, 0].std(), np.finfo(start.dtype).tiny)
    tsne = TSNE(perplexity=min(30, (len(rows) - 1) / 3), metric="cosine", init=start, angle=0.7,
                max_iter=ITERATIONS, random_state=0, verbose=2)
    with redirect_stdout(Iterations()):
        places = tsne.fit_transform(rows)
    places -= (places.max(axis=0) + places.min(axis=0)) / 2
    return places / max(abs(places).max(), np.finfo(places.dtype).tiny)


def find_regions(E, places, texts):
    """Sort words into regions by k-means, but for the commonest and for what is no word.

    Returns a region per word, REGIONS for none, and for each region its title, two words that are
    central and frequent, and the word in its middle on the map.
    """
    from sklearn.cluster import KMeans
    regions = np.full(len(E), REGIONS)
    is_word = [re.match(r"\d*[^\W\d_]", text) is not None for text in texts[:len(E)]]
    words = np.flatnonzero(is_word)
    words = words[words >= len(E) // 60]        # of 6,000 words the first 100 are “the”, “is”, …
    count = min(REGIONS, len(words) // 10)
    if count == 0:
        return regions, []
    means = KMeans(count, n_init=4, random_state=0).fit(E[words])
    labels, regions[words] = np.unique(means.labels_, return_inverse=True)

    titles = []
    for region, centre in enumerate(means.cluster_centers_[labels]):
        members = np.flatnonzero(regions == region)
        readable = [word for word in members if texts[word].isalpha() and len(texts[word]) > 2]
        candidates = np.array([word for word in readable if word < len(E) / 3] or members)
        merits = E[candidates] @ centre / np.log(candidates + 2)        # less for rarer words
        distances = np.linalg.norm(places[members, None] - places[members], axis=2)
        titles.append({"words": candidates[greatest(merits[None], 2)[0]].tolist(),
                       "middle": members[np.median(distances, axis=1).argmin()].item()})
    return regions, titles


def make_page(data):
    """Put the data into the template, as JSON in which no word can end the script around it."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    written = re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", written)
    before, after = TEMPLATE.read_text(encoding="utf-8").split("{{DATA}}")
    return before + written + after
