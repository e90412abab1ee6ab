"""The 20 newsgroups as a corpus."""

import warnings

from sklearn.datasets import fetch_20newsgroups

from utils import InputError


def prepare(text):
    """Download the posts by scikit-learn and write those of each group to a file."""
    try:
        with warnings.catch_warnings(action="ignore"):      # that it tries again
            news = fetch_20newsgroups(subset="all", shuffle=False, n_retries=1,
                                      remove=("headers", "footers", "quotes"))
    except OSError as error:
        raise InputError(f"the 20 newsgroups cannot be downloaded ({error}); connect to the "
                         "internet or take another corpus") from None

    for number, group in enumerate(news.target_names):
        posts = [post for post, target in zip(news.data, news.target) if target == number]
        together = "\n\n".join(posts).replace("\0", " ")
        (text / f"{group}.txt").write_text(together, encoding="utf-8")
