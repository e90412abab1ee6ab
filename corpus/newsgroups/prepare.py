"""Download the 20 newsgroups by scikit-learn and write their posts to text/, a file a group."""

import shutil
import sys
import warnings
from pathlib import Path

from sklearn.datasets import fetch_20newsgroups

HERE = Path(__file__).resolve().parent


def main():
    try:
        warnings.simplefilter("ignore")     # "Retry downloading": the message below says what to do
        news = fetch_20newsgroups(subset="all", shuffle=False, remove=("headers", "footers", "quotes"), n_retries=1)
    except OSError as error:
        return f"the 20 newsgroups cannot be downloaded ({error}); connect to the internet or take another corpus"
    partial = HERE / "text.partial"         # an interrupted run leaves no text/ behind
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for number, group in enumerate(news.target_names):
        posts = [post for post, target in zip(news.data, news.target) if target == number]
        (partial / f"{group}.txt").write_text("\n\n".join(posts).replace("\0", " "), encoding="utf-8")
    shutil.rmtree(HERE / "text", ignore_errors=True)
    partial.rename(HERE / "text")
    print(f"{len(news.data)} posts of {len(news.target_names)} groups in {HERE / 'text'}")


if __name__ == "__main__":
    if mistake := main():
        print(f"prepare.py: {mistake}", file=sys.stderr)
        sys.exit(2)
