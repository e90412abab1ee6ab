"""The map: what the page is told, and what it does in a browser (Chromium and Selenium)."""

import base64
import json
import math
import re
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from beyond.map import TEMPLATE, describe, make_page
from beyond.results import Results, Run, write_results
from tests.support.launch import launch

BULGARIAN = Path(__file__).with_name("bulgarian.txt")
CYRILLIC = list(dict.fromkeys(re.findall(r"\w{3,}", BULGARIAN.read_text("utf-8").lower())))
HOSTILE = ["</script><script>hacked=1</script>", "<img src=x onerror=hacked=1>", "{{DATA}}", "&lt;",
           '"quoted"', "it's", "\\u003c", "-->", "<!--", "a\u2028b\u2029c", "\x00\x1b\x7f", "שלום",
           "\u202eright to left", "مرحبا", "😀", "${hacked=1}", "__proto__", "x" * 10 ** 6]
KINDS = {"places": "<i2", "regions": "u1", "cosines": "<i2"}         # the other lists are <u2


def make_results(words, M=6, seed=0):
    """Make up U, V and W for words, with frequencies that fall."""
    rng = np.random.default_rng(seed)
    U, V = rng.normal(size=(2, len(words), M)).astype(np.float32)
    W = np.eye(M, dtype=np.float32) + rng.normal(size=(M, M)).astype(np.float32) / 5
    return Results(U, V, W, words, 10000 // np.arange(1, len(words) + 1))


def described(results, count):
    """Describe results on one thread, which takes the same time however busy the machine is."""
    import sklearn.manifold  # noqa: F401 - the limit holds for what is loaded
    with threadpool_limits(1):
        return describe(results, count)


def write(folder, results, corpus="pydocs"):
    """Write results as training does."""
    write_results(folder, results, Run(corpus, 9, 5, 9, 2.0, 2.0, settings={}, versions={}))


def write_page(file, data, language="en", corpus=""):
    """Write a page of what `describe` returns."""
    file.write_text(make_page(data | {"language": language, "corpus": corpus}), "utf-8")
    return file


def data_of(file):
    """Read the data of a page as a browser does: up to where the script ends."""
    content = file.read_text("utf-8").split('<script id="data" type="application/json">')[1]
    return json.loads(content.split("</script>")[0])


def unpack(data, name, width=10):
    """Decode one of the long lists, as rows."""
    content = base64.b64decode(data[name])
    return np.frombuffer(content, KINDS.get(name, "<u2")).astype(int).reshape(-1, width)


def named(data, name, word):
    """Find the words that a word's list has."""
    return [data["words"][index] for index in unpack(data, name)[word]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with results of Cyrillic words, and map.html with 60 of them."""
    folder = tmp_path_factory.mktemp("map")
    write(folder, make_results(CYRILLIC))
    out = launch("map", "--words", "60", cwd=folder)
    assert (out.returncode, out.stdout) == (0, "map.html\n"), out.stderr
    assert out.stderr.splitlines() == [
        "looking for the neighbours of 60 words …", "placing 60 words by t-SNE …",
        " 20%", " 40%", " 60%", " 80%", "100%"]
    return folder


@pytest.fixture(scope="module")
def told(folder):
    """Give the data of that page."""
    return data_of(folder / "map.html")


@pytest.fixture(scope="module")
def crowded_file(tmp_path_factory):
    """Write a page of 6000 words on the map, half of them in crowds of 20, and 8000 others."""
    rng = np.random.default_rng(0)
    words, on_map = np.arange(14000), np.arange(6000)
    spread = np.where(on_map < 3000, 9900, 99)[:, None]
    centres = np.repeat(rng.integers(-9900, 9900, (300, 2)), 20, axis=0) * (spread < 100)
    lists = {"places": centres + rng.integers(-spread, spread + 1, (6000, 2)),
             "regions": np.where(on_map < 100, 12, on_map // 20 % 12),
             "near": (words[:, None] // 20 * 20 + (words[:, None] + range(1, 11)) % 20) % 6000,
             "cosines": np.full(140000, 500)}
    lists |= {name: rng.integers(0, 14000, 60000)
              for name in ("lifted", "lifted_p", "probable", "probable_p")}
    data = {name: base64.b64encode(numbers.astype(KINDS.get(name, "<u2"))).decode()
            for name, numbers in lists.items()}
    data |= {"words": [f"слово{word}" for word in words], "examples": [], "total": 10 ** 7,
             "vocabulary": 20000, "titles": [[word, word + 1] for word in range(200, 440, 20)],
             "counts": (10 ** 6 // (words + 1)).tolist()}
    file = write_page(tmp_path_factory.mktemp("crowded") / "crowded.html", data)
    assert file.stat().st_size < 2e6
    return file


# --- what the page is told ----------------------------------------------------------------------

def test_nearest_words_are_those_of_plain_loops():
    results = make_results(CYRILLIC)
    U, V, W = (X.astype(float) for X in (results.U, results.V, results.W))
    E = np.hstack([V @ W, U])
    data = described(results, 30)
    on_page = [results.word2ind[word] for word in data["words"]]
    assert len(on_page) > 40
    for number, w in enumerate(on_page):
        # The words on the map have the nearest of all, the others the nearest on the map.
        cosines = [(E[w] @ E[c] / math.sqrt(E[w] @ E[w] * (E[c] @ E[c])), results.words[c])
                   for c in (range(len(E)) if number < 30 else on_page[:30]) if c != w]
        expected = [(round(1000 * cosine), word) for cosine, word in sorted(cosines)[:-11:-1]]
        pairs = list(zip(unpack(data, "cosines")[number], named(data, "near", number)))
        assert pairs == expected


def test_context_words_are_those_that_predict_prints(folder, told):
    for w, by, name in (0, "probability", "probable"), (7, "lift", "lifted"):
        printed = launch("predict", told["words"][w], "--by", by, cwd=folder).stdout
        p, _, lift, contexts = zip(*map(str.split, printed.splitlines()[2:]))
        assert named(told, name, w) == list(contexts)
        found = np.exp(-unpack(told, f"{name}_p")[w] / 4096)
        assert found == pytest.approx([float(number) for number in p], rel=0.001, abs=6e-6)
        shares = [told["counts"][c] / told["total"] for c in unpack(told, name)[w]]
        assert found / shares == pytest.approx([float(number) for number in lift], rel=0.01)


@pytest.fixture(scope="module")
def hostile_file(tmp_path_factory):
    data = described(make_results(HOSTILE), len(HOSTILE))
    return write_page(tmp_path_factory.mktemp("hostile") / "map.html", data, corpus=HOSTILE[0])


@pytest.fixture(scope="module")
def grouped():
    """Describe 150 of 300 words in three groups, whose words are alike, and a fourth, the words 100
    to 199, to which no frequent word is near."""
    results = make_results(["abc"[number % 3] + "ж" * (number // 3 % 10 + 2) + "ш" * (number // 30)
                            for number in range(300)])
    results.words[20:24] = ["<END>", "...", "12", "c_c"]
    results.words[30::4] = [f"{word}_" for word in results.words[30::4]]        # no plain words
    groups = np.arange(300) % 3
    groups[100:200] = 3
    for X in results.U, results.V:
        X += 4 * np.eye(4, 6, dtype=np.float32)[groups]
        X /= 3
    return described(results, 150)


def test_the_map_has_frequent_words_and_those_that_they_list(grouped):
    counts = np.array(grouped["counts"][:150])
    assert (counts[:100] == 10000 // np.arange(1, 101)).all()
    assert (counts[100:] <= 10000 // 200).all(), "none of the fourth group"
    assert (unpack(grouped, "near")[:150] < 150).mean() > 0.6


def test_neighbours_are_near_each_other(grouped):
    places = unpack(grouped, "places", 2)
    assert places.shape == (150, 2)
    assert (places.min(axis=0) == -10000).all() and (places.max(axis=0) == 10000).all()
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 10 ** 6 * np.eye(150)
    letters = np.array([word[0] for word in grouped["words"][:150]])
    assert (letters[distances.argmin(axis=1)] == letters).mean() > 0.9      # by chance a third


def test_regions_have_words_that_are_alike_and_titles_that_are_of_interest(grouped):
    words, near, lifted = grouped["words"], unpack(grouped, "near"), unpack(grouped, "lifted")
    is_plain = [word.isalpha() and len(word) > 4 for word in words]
    shares = np.array(grouped["counts"]) / grouped["total"]

    def interest(word):
        if not is_plain[word] or word >= 25:
            return 0
        mutual = sum(word in near[other] for other in near[word])
        plain = sum(is_plain[w] for w in near[word]) * sum(is_plain[w] for w in lifted[word])
        lift = np.exp(-unpack(grouped, "lifted_p")[word] / 4096) / shares[lifted[word]]
        return mutual * plain * np.log(lift).sum()

    [regions] = unpack(grouped, "regions", 150)
    assert set(np.flatnonzero(regions == 12)) == {0, 1, 20, 21, 22}
    assert len(grouped["titles"]) == 12 and set(regions) == set(range(13))
    firsts, places = [title[0] for title in grouped["titles"]], unpack(grouped, "places", 2)
    for region, title in enumerate(grouped["titles"]):
        members = np.flatnonzero(regions == region)
        assert len({words[word][0] for word in members}) == 1
        assert set(title) <= set(members)
        assert interest(title[0]) > 0 or max(map(interest, members)) <= 0
        distances = np.linalg.norm(places - np.median(places[members], axis=0), axis=1)
        nearer = [word for word in members if distances[word] < distances[title[0]]]
        assert max(map(interest, nearer), default=0) <= interest(title[0])
    assert sum(interest(first) > 0 for first in firsts) > 6
    assert grouped["examples"] == sorted(firsts, key=interest)[:-4:-1]


def test_few_words_and_words_that_are_all_alike(tmp_path):
    for L in 2, 3, 5, 12, 23:
        data = described(make_results(CYRILLIC[:L]), 6000)
        assert len(unpack(data, "places", 2)) == L
        assert len(unpack(data, "near", min(L - 1, 10))) == L
        assert len(unpack(data, "probable", min(L, 10))) == L
        assert len(data["titles"]) == len(data["examples"]) == L // 10
    alike = make_results(CYRILLIC[:40])
    alike.U[:] = alike.V[:] = 1
    write(tmp_path, alike)
    out = launch("map", cwd=tmp_path)
    assert out.returncode == 2 and out.stderr.count("\n") == 1
    assert "all words have the same embeddings" in out.stderr
    assert not (tmp_path / "map.html").exists()


def test_the_same_results_give_the_same_bytes(folder, tmp_path):
    with threadpool_limits(1):
        launch("map", "--words", "60", "--out", tmp_path / "again.html", cwd=folder)
    assert (tmp_path / "again.html").read_bytes() == (folder / "map.html").read_bytes()


def test_no_word_breaks_out_of_the_data(hostile_file):
    page, template = hostile_file.read_text("utf-8"), TEMPLATE.read_text("utf-8")
    for text in "</script", "<script", "<!--", "\u2028", "\u2029", "<img":
        assert page.count(text) == template.count(text)
    assert data_of(hostile_file)["words"] == [*HOSTILE[:-1], "x" * 39 + "…"]


def test_the_page_has_the_language_of_the_corpus_or_of_choice(tmp_path):
    for corpus, options, language in (("pydocs", [], "en"), ("journalism_bg", [], "bg"),
                                      ("pydocs", ["--language", "bg"], "bg")):
        write(tmp_path, make_results(CYRILLIC[:5]), corpus)
        assert launch("map", *options, cwd=tmp_path).returncode == 0
        assert data_of(tmp_path / "map.html")["language"] == language


# --- what the page does in a browser ------------------------------------------------------------

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--window-size=1280,800", "--force-prefers-reduced-motion"]
ENTER, ESCAPE = "\ue007", "\ue00c"

# The labels that are seen, by the boxes of their letters.
BOXES = """labels.filter(isWhole).map(box => {
  context.font = fontOf(box.word);
  const text = context.measureText(textOf(box.word));
  const [x, y] = onScreen(box);
  return [x - text.actualBoundingBoxLeft, y - text.actualBoundingBoxAscent,
          x + text.actualBoundingBoxRight, y + text.actualBoundingBoxDescent];
})"""
CLICK_EACH = f"""const [words, done] = arguments;
const frame = () => new Promise(requestAnimationFrame);
(async () => {{
  const found = [];
  for (const word of words) {{
    choose(word);
    await frame();
    const written = labels.slice(0, 1 + neighbours.filter(isOnMap).slice(0, 5).length);
    found.push([{BOXES}, written.map(label => data.words[label.word]),
                written.every(isWhole),
                [...document.querySelectorAll("#nearest button")].map(node => node.textContent)]);
  }}
  done(found);
}})();"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Start Chromium, without a window and with an empty profile."""
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium or chromedriver is not installed")
    reason = "selenium is not installed (tests/requirements-browser.txt)"
    webdriver = pytest.importorskip("selenium.webdriver", reason=reason)
    from selenium.webdriver.chrome.service import Service
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in [*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(DRIVER)) as browser:
        yield browser


class Page:
    """A page in the browser, and what its user does there."""

    def __init__(self, browser, path, fragment=""):
        self.browser = browser
        browser.get("about:blank")
        self.complaints()                       # forget those of before
        browser.get(path.as_uri() + fragment)

    def run(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def protocol(self, name, **parameters):
        self.browser.execute_cdp_cmd(name, parameters)

    def pause(self):
        """Let the page take notice of what has happened."""
        self.browser.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def find(self, selector):
        return self.browser.find_elements("css selector", selector)

    def texts(self, selector):
        """Read the texts that are shown by nodes of a kind."""
        return self.run("return [...document.querySelectorAll(arguments[0])]"
                        ".filter(node => node.checkVisibility()).map(node => node.textContent)",
                        selector)

    def click_on(self, selector, number=0):
        self.find(selector)[number].click()

    def type(self, *keys):
        self.browser.switch_to.active_element.send_keys(*keys)

    def search(self, word):
        self.find("#search")[0].send_keys(word, ENTER)      # which takes the first that is offered
        self.wait_for_word(word)

    def place(self, where):
        """Find where something on the canvas is in the window."""
        return self.run("const box = canvas.getBoundingClientRect(), [x, y] = " + where +
                        "; return [box.x + x, box.y + y]")

    def place_of(self, word):
        return self.place(f"[screenX({word}), screenY({word})]")

    def mouse(self, x, y, *kinds, **more):
        for kind in kinds:
            self.protocol("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, button="left",
                          buttons=int(kind != "Released"), clickCount=1, **more)

    def touch(self, kind, *points):
        self.protocol("Input.dispatchTouchEvent", type=kind, touchPoints=[
            {"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)])

    def wait_for_word(self, word):
        """Wait until a word is selected; None: until none is."""
        from selenium.webdriver.support.wait import WebDriverWait
        WebDriverWait(self.browser, 5, 0.02).until(lambda _: self.word() == word)

    def word(self):
        return next(iter(self.texts("#word")), None)

    def rows(self, table):
        return self.run("return [...document.querySelectorAll(`#${arguments[0]} tr`)]"
                        ".map(row => [...row.cells].map(cell => cell.textContent))", table)

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def page(browser, folder):
    page = Page(browser, folder / "map.html")
    yield page
    assert page.complaints() == []


@pytest.fixture
def crowded(browser, crowded_file):
    page = Page(browser, crowded_file)
    yield page
    assert page.complaints() == []
    page.protocol("Emulation.clearDeviceMetricsOverride")


def test_browser_search_finds_a_word_and_lists_what_the_page_was_told(page, told):
    word = CYRILLIC[7]
    page.find("#search")[0].send_keys(word[:3])
    offered = page.texts("#found button")
    assert word in offered and all(word[:3] in other for other in offered)
    page.find("#search")[0].clear()
    page.search(word)

    cosines = [f"{cosine / 1000:.3f}" for cosine in unpack(told, "cosines")[7]]
    assert page.rows("nearest") == [list(row) for row in zip(named(told, "near", 7), cosines)]
    assert page.find("#lifted[aria-pressed=true]") and f"w = {word}." in page.texts("#aboutLift")[0]
    for order in "lifted", "probable":
        page.click_on(f"#{order}")
        logs = unpack(told, f"{order}_p")[7]
        for row, c, p in zip(page.rows("contexts"), unpack(told, order)[7], np.exp(-logs / 4096)):
            assert row[:2] == [told["words"][c], f"{p:.2%}"]
            assert float(row[2]) == pytest.approx(p / told["counts"][c] * told["total"], rel=0.01)
    page.search(CYRILLIC[8])
    assert page.find("#probable[aria-pressed=true]"), "it stays as it was chosen"
    assert [row[0] for row in page.rows("contexts")] == named(told, "probable", 8)
    assert page.run("return performance.getEntriesByType('resource')") == [], "nothing is loaded"
    assert page.browser.title == "pydocs: A map of 60 words"

    page.find("#search")[0].send_keys("qqq")
    [none] = page.texts("#found p")
    assert f" {len(told['words'])} words" in none and f"the vocabulary has {len(CYRILLIC)}." in none


def test_browser_click_lists_neighbours_and_an_empty_panel_offers_words(page, told):
    page.mouse(*page.place_of(0), "Pressed", "Released")
    page.wait_for_word(CYRILLIC[0])
    assert page.texts("#nearest button") == [word for word, _ in page.rows("nearest")]
    second = page.texts("#nearest button")[0]
    page.click_on("#nearest button")
    page.wait_for_word(second)
    page.browser.back()
    page.wait_for_word(CYRILLIC[0])
    page.browser.forward()
    page.wait_for_word(second)
    assert not page.texts("#examples")
    page.type(ESCAPE)
    page.wait_for_word(None)

    words = page.texts("#examples button")
    assert len(set(words)) == 3 and words == [told["words"][word] for word in told["examples"]]
    page.click_on("#examples button", 2)
    page.wait_for_word(words[2])
    page.run("zoom(3)")
    page.click_on("#close")
    page.wait_for_word(None)
    page.pause()
    assert page.run("return view") == {"x": 0, "y": 0, "scale": page.run("return smallest()")}


def test_browser_grey_words_are_explained_and_have_lists_too(page, told):
    [on_map, *_] = np.flatnonzero((unpack(told, "near")[:60] >= 60).any(axis=1))
    page.search(told["words"][on_map])
    assert page.texts("#times")[0].endswith("times. Words in grey are not on the map.")
    [word, *_] = page.texts("#nearest .off")
    assert told["words"].index(word) >= 60
    page.click_on("#nearest .off")
    page.wait_for_word(word)
    assert "It is not on the map" in page.texts("#times")[0]
    assert not page.texts("#contextTable")
    assert not page.texts("#nearest .off")
    nearest = page.texts("#nearest .word")[:5]
    assert page.run("return labels.map(label => data.words[label.word])")[:5] == nearest


def test_browser_an_address_opens_its_word_after_another_training(browser, folder, told, tmp_path):
    rare = {"words": told["words"][::-1], "counts": [19] * len(told["words"])}
    again = write_page(tmp_path / "again.html", told | rare)
    for path in folder / "map.html", again:
        page = Page(browser, path, f"#{CYRILLIC[7]}")
        assert page.word() == CYRILLIC[7]
        assert ("mostly chance" in page.texts("#times")[0]) == (path == again)
    for fragment in "#", "#%", "#qqq":
        page = Page(browser, folder / "map.html", fragment)
        assert page.word() is None and page.complaints() == []


def overlaps(boxes):
    """Count the pairs of boxes that cover each other."""
    left, top, right, bottom = np.array(boxes).T
    across = (left < right[:, None]) & (left[:, None] < right)
    along = (top < bottom[:, None]) & (top[:, None] < bottom)
    return (np.count_nonzero(across & along) - len(boxes)) // 2


def test_browser_labels_cover_none_and_become_more(crowded):
    common = np.array(crowded.run("return labels.slice(12).map(label => isCommon(label.word))"))
    assert 0 < common.sum() < len(common) and (np.diff(common.astype(int)) >= 0).all()
    assert crowded.run("return labels.slice(0, 2).map(label => textOf(label.word))") == [
        "слово200 · слово201", "слово220 · слово221"]
    counts = []
    for _ in range(6):
        assert overlaps(crowded.run(f"return {BOXES}")) == 0
        counts.append(crowded.run("return labels.length"))
        crowded.click_on("#closer")
    assert counts == sorted(counts) and counts[0] < counts[-1] / 3

    at_the_edge = "moveTo(xs[200] + (width / 2 - 9) / view.scale, ys[200]); chooseLabels();"
    assert crowded.run(f"{at_the_edge} return isWhole(labels[0])")

    scale, seen, same_scale = crowded.run("""
        moveTo(xs[500], ys[500]);
        for (let i = 0; i < 20; i++) zoom(1.6);
        const {scale} = view, seen = everyWord.filter(
          word => isSeen(screenX(word), screenY(word), 0, 0));
        element("closer").click();
        return [scale, seen.length, view.scale];""")
    assert 10 <= seen <= 14 and same_scale == scale, "there zooming ends"


def test_browser_after_a_click_the_five_nearest_are_written(crowded):
    words = np.random.default_rng(0).choice(6000, 200, replace=False).tolist()
    found = crowded.browser.execute_async_script(CLICK_EACH, words)
    assert len(found) == 200
    for word, (boxes, written, are_seen, listed) in zip(words, found):
        assert overlaps(boxes) == 0
        assert written == [f"слово{word}", *listed[:5]] and are_seen


def test_browser_moves_by_mouse_wheel_and_fingers(crowded):
    page = crowded

    def view():
        return page.run("return [view.x, view.y, view.scale]")

    x, y, scale = view()
    page.mouse(800, 400, "Pressed")
    page.mouse(860, 430, "Moved", "Released")
    assert view() == [pytest.approx(x - 60 / scale), pytest.approx(y - 30 / scale), scale]
    assert page.word() is None, "a drag is no click"

    before = page.place_of(5)
    page.mouse(*before, "Wheel", deltaX=0, deltaY=-300)
    page.pause()
    assert page.place_of(5) == pytest.approx(before, abs=1)
    assert view()[2] > 1.5 * scale

    page.click_on("#all")
    assert view() == [0, 0, scale]
    page.touch("touchStart", (750, 400), (850, 400))
    for spread in range(60, 110, 10):
        page.touch("touchMove", (800 - spread, 400), (800 + spread, 400))
    page.touch("touchEnd")
    assert view()[2] == pytest.approx(2 * scale, rel=0.05)

    page.click_on("#all")
    page.mouse(*page.place("onScreen(labels[0])"), "Pressed", "Released")
    page.wait_for_word("слово200")


def test_browser_hovering_names_a_dot(crowded):
    dot = crowded.run("""
        const isBare = word => wordAt(screenX(word), screenY(word)) === word
            && !labels.some(label => label.word === word);
        return everyWord.find(isBare)""")
    crowded.run("const write = context.fillText; context.fillText = function (written) {"
                "  this.last = written; write.apply(this, arguments); };")
    for where, is_named in (crowded.place_of(dot), True), ((100, 700), False):
        crowded.mouse(*where, "Moved")
        crowded.pause()
        assert (crowded.run("return context.last") == f"слово{dot}") == is_named


def test_browser_titles_become_labels_as_one_zooms_in(crowded):
    crowded.browser.refresh()
    titles = "return labels.filter(label => isTitle(label.word)).length"
    assert crowded.run(titles) == 12
    crowded.run("zoom(8)")
    assert crowded.run(titles) == 0


def test_browser_on_a_phone_the_map_has_room_and_a_finger_selects(crowded):
    page = crowded
    page.protocol("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=3,
                  mobile=True)
    page.browser.refresh()
    assert page.texts("#hint")
    extent, covered = page.run("""
        const x = everyWord.map(screenX);
        const areas = labels.slice(0, 12).map(title => 4 * title.halfWidth * title.halfHeight);
        return [Math.max(...x) - Math.min(...x), areas.reduce((a, b) => a + b) / width / height]""")
    assert 340 < extent < 390, "the map has the whole width"
    assert 0 < covered < 0.1, "titles leave the map to its words"
    page.touch("touchStart", page.place_of(1000))
    page.touch("touchEnd")
    page.wait_for_word("слово1000")
    page.pause()
    box = page.find("#map")[0].rect
    x, y = page.place_of(1000)
    assert 0 < x < 390 and box["y"] < y < box["y"] + box["height"], "the word stays in view"
    assert page.run("return document.documentElement.scrollWidth") == 390


# How colours look to people with protanopia, deuteranopia and tritanopia (Machado et al. 2009).
VISIONS = [np.eye(3),
           [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
           [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
           [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]]]


def lab(colour, vision):
    """Convert a colour such as "#e69f00" to CIE L*a*b*, in which distances are those seen."""
    rgb = np.array([int(colour[start:start + 2], 16) for start in (1, 3, 5)]) / 255
    rgb = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.412, 0.358, 0.180], [0.213, 0.715, 0.072], [0.019, 0.119, 0.950]]
    xyz = to_xyz @ np.clip(vision @ rgb, 0, 1) / np.sum(to_xyz, axis=1)
    x, y, z = np.where(xyz > 0.00886, np.cbrt(xyz), 7.787 * xyz + 0.138)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_browser_light_and_dark_have_colours_for_the_colour_blind(page):
    for scheme, ink in ("dark", "#e6e4df"), ("light", "#20242b"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.protocol("Emulation.setEmulatedMedia", features=[feature])
        page.pause()
        assert page.run("return colours.ink") == ink
        colours = page.run("return [...colours.regions, colours.ground]")
        assert len(colours) == 13
        for vision in VISIONS:
            for one, other in combinations(colours, 2):     # of Okabe and Ito's the least is 16
                assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 15, (one, other)


def test_browser_bulgarian(browser, told, tmp_path):
    page = Page(browser, write_page(tmp_path / "карта.html", told, "bg"))
    assert page.browser.title == "Карта на 60 думи"
    page.search(CYRILLIC[7])
    assert page.texts("caption > span") == ["Най-близки думи", "Контекстни думи"]
    assert re.fullmatch(r"0,\d{3}", page.rows("nearest")[0][1])
    assert page.run("return document.documentElement.lang") == "bg"
    for node in page.find("button, input"):
        name = node.accessible_name
        assert name or not node.is_displayed(), node.get_attribute("outerHTML")
    assert page.complaints() == []


def test_browser_shows_hostile_words_as_text(browser, hostile_file):
    page = Page(browser, hostile_file)
    words = page.run("""return everyWord.map(word => {
        choose(word);
        return [element("word").textContent, element("nearest").rows.length];
    });""")
    assert words == [[word, 10] for word in [*HOSTILE[:-1], "x" * 39 + "…"]]
    page.find("#search")[0].send_keys("script")
    assert page.texts("#found button")[0] == HOSTILE[0]
    assert page.browser.title == f"{HOSTILE[0]}: A map of {len(HOSTILE)} words"
    assert page.run("return typeof hacked") == "undefined"
    assert page.complaints() == []
