"""The 20 newsgroups as a corpus: python corpus/newsgroups/prepare.py"""

import sys
import warnings
from pathlib import Path

from sklearn.datasets import fetch_20newsgroups

sys.path.append(str(Path(__file__).resolve().parents[2]))       # for the script: the project

from corpus.reading import make_text_as_script
from utils import InputError


def prepare(text):
    """Download the posts by scikit-learn and write those of each group to a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # "Retry downloading": the message says what to do
            news = fetch_20newsgroups(subset="all", shuffle=False, n_retries=1,
                                      remove=("headers", "footers", "quotes"))
    except OSError as error:
        raise InputError(f"the 20 newsgroups cannot be downloaded ({error}); connect to the "
                         "internet or take another corpus") from None

    for number, group in enumerate(news.target_names):
        posts = [post for post, target in zip(news.data, news.target) if target == number]
        together = "\n\n".join(posts).replace("\0", " ")
        (text / f"{group}.txt").write_text(together, encoding="utf-8")
    return f"{len(news.data)} posts of {len(news.target_names)} groups"


if __name__ == "__main__":
    make_text_as_script(__file__)
