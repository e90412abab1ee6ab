"""The picture and the live line."""

import io

import numpy as np
import pytest
from matplotlib.text import Text
from sklearn.decomposition import PCA

from corpus.reading import read_word_groups
from utils import nearest, plot_embeddings, progress


def draw(tmp_path, names, spread, groups=3):
    E = np.random.default_rng(0).normal(size=(len(names), 6)) * spread
    grouped = {f"group {i}": names[i::groups] for i in range(groups)}
    return plot_embeddings(E, grouped, {name: i for i, name in enumerate(names)}, "a title", tmp_path / "picture.png")


@pytest.mark.parametrize("names", [[f"word{i}" for i in range(40)], [f"продължителна{i}" for i in range(40)]])
@pytest.mark.parametrize("spread", [1, [1, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3]])
def test_no_label_covers_another_or_leaves_the_axes(tmp_path, names, spread):
    figure = draw(tmp_path, names, spread)
    axes, = figure.axes
    boxes = [Text.get_window_extent(text) for text in axes.texts]      # without the line to the point
    assert sorted(text.get_text() for text in axes.texts) == sorted(names)
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i]), axes.texts[i]
        assert axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 and axes.bbox.y0 < box.y0 and box.y1 < axes.bbox.y1


def test_labels_that_find_no_free_place_stay_in_the_picture(tmp_path):
    axes, = draw(tmp_path, [f"crowded{i}" for i in range(300)], [1, .1, .1, .1, .1, .1]).axes
    for box in map(Text.get_window_extent, axes.texts):
        assert axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1 and axes.bbox.y0 < box.y0 and box.y1 < axes.bbox.y1


def test_points_are_those_of_another_principal_component_analysis(tmp_path):
    names, spread = [f"word{i}" for i in range(12)], [3, 2, 1, .5, .1, .1]
    axes, = draw(tmp_path, names, spread).axes
    E = np.random.default_rng(0).normal(size=(12, 6)) * spread
    expected = PCA(2).fit_transform(E)
    for number, part in enumerate(axes.collections[:3]):
        drawn = np.abs(np.asarray(part.get_offsets()))      # older versions of the other may mirror them
        assert drawn == pytest.approx(np.abs(expected[number::3]))


def test_groups_have_colours_and_a_legend_and_the_picture_a_title(tmp_path):
    figure = draw(tmp_path, list("abcdef"), 1)
    axes, = figure.axes
    assert axes.get_title() == "a title"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["group 0", "group 1", "group 2"]
    assert len({text.get_color() if isinstance(text.get_color(), str) else tuple(text.get_color())
                for text in axes.texts}) == 3
    assert not draw(tmp_path, ["a", "b"], 1, groups=1).legends


def test_word_groups(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("# comment\nOne: A b # rest\n\nc\nd e\n", encoding="utf-8")
    assert read_word_groups(file, dict.fromkeys("abcde")) == {"One": ["a", "b"], "": ["c", "d", "e"]}


def test_nearest_by_cosine():
    E = np.array([[1, 0], [0, 0], [5, 1], [-2, 0], [0.1, 0.1]])
    indices, cosines = nearest(E, 0, 4)
    assert indices.tolist() == [2, 4, 1, 3]
    assert cosines == pytest.approx([5 / 26 ** 0.5, 0.5 ** 0.5, 0, -1])


def test_progress_is_a_live_line_on_a_terminal_and_few_lines_elsewhere():
    for terminal in True, False:
        stream, now = io.StringIO(), [0.]
        stream.isatty = lambda terminal=terminal: terminal
        report = progress(0, stream, lambda now=now: now[0])
        for done in range(1, 1001):
            now[0] += 0.1
            report(1000 * done, 10 ** 6, 2.5)
        text = stream.getvalue()
        assert "10,000 pairs/s" in text and "0:50 left" in text and "loss 2.500" in text and text.endswith("\n")
        if terminal:
            assert text.count("\n") == 1 and text.count("\r") > 100
        else:
            assert text.count("\n") <= 11 and "\r" not in text
