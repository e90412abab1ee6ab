"""The picture of words and the live line."""

import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from sklearn.decomposition import PCA

from beyond.measures import nearest
from beyond.pictures import plot_embeddings, principal_components
from utils import Progress

SPREAD = [3, 2, 1, .5, .1, .1]


def make_embeddings(L, spread):
    """Make L embeddings of six random coordinates, each with its standard deviation or with one."""
    return np.random.default_rng(0).normal(size=(L, 6)) * spread


def draw(tmp_path, words, spread, groups=3):
    """Draw words with such embeddings, in so many groups: word i is in group i % groups."""
    E = make_embeddings(len(words), spread)
    grouped = {f"group {i}": words[i::groups] for i in range(groups)}
    word2ind = {word: i for i, word in enumerate(words)}
    return plot_embeddings(E, grouped, word2ind, "a title", tmp_path / "picture.png")


def expect_inside(box, axes):
    assert axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1
    assert axes.bbox.y0 < box.y0 and box.y1 < axes.bbox.y1


@pytest.mark.parametrize("spread", [1, [1, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3]])
def test_no_label_covers_another_or_leaves_the_axes(tmp_path, spread):
    words = [f"продължителна{i}" for i in range(40)]
    [axes] = draw(tmp_path, words, spread).axes
    assert sorted(text.get_text() for text in axes.texts) == sorted(words)
    boxes = [Text.get_window_extent(text) for text in axes.texts]       # without their lines
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i]), axes.texts[i]
        expect_inside(box, axes)


def test_labels_that_find_no_free_place_stay_in_the_picture(tmp_path):
    words = [f"crowded together and far too long {i}" for i in range(100)]
    [axes] = draw(tmp_path, words, [1, .01, .01, .01, .01, .01]).axes
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert any(boxes[-1].overlaps(box) for box in boxes[:-1])
    for box in boxes:
        expect_inside(box, axes)


def test_points_and_axes_are_those_of_a_principal_component_analysis(tmp_path):
    E = make_embeddings(12, SPREAD)
    pca = PCA(2).fit(E)
    expected, shares = pca.transform(E), pca.explained_variance_ratio_
    assert principal_components(E)[1] == pytest.approx(shares)

    [axes] = draw(tmp_path, [f"word{i}" for i in range(12)], SPREAD).axes
    for number, dots in enumerate(axes.collections):
        points = np.asarray(dots.get_offsets())
        # Versions differ in the signs.
        assert np.abs(points) == pytest.approx(np.abs(expected[number::3]))
    first, second = np.round(100 * shares).astype(int)
    assert axes.get_xlabel() == f"first principal component, {first} % of the variance"
    assert axes.get_ylabel() == f"second principal component, {second} % of the variance"
    assert 50 < first < 100 and 0 < second < first


def test_words_without_a_difference_have_no_variance_to_show():
    points, shares = principal_components(np.ones((5, 3), np.float32))
    assert not points.any() and not shares.any()


def test_groups_have_colours_and_a_legend_and_the_picture_a_title(tmp_path):
    figure = draw(tmp_path, list("abcdef"), 1)
    [axes] = figure.axes
    assert axes.get_title() == "a title"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["group 0", "group 1", "group 2"]
    assert len({to_rgba(text.get_color()) for text in axes.texts}) == 3
    assert not draw(tmp_path, ["a", "b"], 1, groups=1).legends


def test_nearest_by_cosine():
    E = np.array([[1, 0], [0, 0], [5, 1], [-2, 0], [0.1, 0.1]])
    indices, cosines = nearest(E, 0, 4)
    assert indices.tolist() == [2, 4, 1, 3]
    assert cosines == pytest.approx([5 / 26 ** 0.5, 0.5 ** 0.5, 0, -1])


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_a_live_line_on_a_terminal_and_few_lines_elsewhere(
        capsys, monkeypatch, is_terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    seconds = 0.
    progress = Progress(10 ** 6, clock=lambda: seconds)
    for batch in range(1, 1001):
        seconds += 0.1
        progress.update(1000 * batch, 2.5)

    text = capsys.readouterr().err
    for part in "10,000 pairs/s", "0:50 left", "loss 2.500":
        assert part in text
    assert text.endswith("\n")
    if is_terminal:
        assert text.count("\n") == 1 and text.count("\r") > 100
    else:
        assert text.count("\n") <= 11 and "\r" not in text
