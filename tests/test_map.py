"""The map: what the page is told, and what it does in a browser (Chromium and Selenium)."""

import base64
import json
import math
import re
import shutil
from collections import Counter
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from beyond.map import TEMPLATE, describe, make_page
from beyond.results import Results, Run
from tests.support.launch import launch

BULGARIAN = Path(__file__).with_name("bulgarian.txt")
CYRILLIC = list(dict.fromkeys(re.findall(r"\w{3,}", BULGARIAN.read_text("utf-8").lower())))
HOSTILE = ["</script><script>hacked=1</script>", "<img src=x onerror=hacked=1>", "{{DATA}}", "&lt;",
           '"quoted"', "it's", "\\u003c", "-->", "<!--", "a\u2028b\u2029c", "\x00\x1b\x7f", "שלום",
           "\u202eright to left", "مرحبا", "😀", "${hacked=1}", "__proto__", "x" * 10 ** 6]


def make_results(words, M=6, seed=0):
    """Make up U, V and W for words, with frequencies that fall."""
    rng = np.random.default_rng(seed)
    U, V = rng.normal(size=(2, len(words), M)).astype(np.float32)
    W = np.eye(M, dtype=np.float32) + rng.normal(size=(M, M)).astype(np.float32) / 5
    return Results(U, V, W, words, 10000 // np.arange(1, len(words) + 1))


def write(folder, results):
    """Write results as training does."""
    for name in "UVW":
        np.save(folder / f"w2v-{name}.npy", getattr(results, name))
    np.save(folder / "w2v-freqs.npy", results.freqs)
    lines = "".join(f"{word}\n" for word in results.words)
    (folder / "w2v-words.txt").write_text(lines, encoding="utf-8")


def data_of(page):
    """Read the data of a page as a browser does: up to where the script ends."""
    content = page.split('<script id="data" type="application/json">')[1].split("</script>")[0]
    return json.loads(content)


KINDS = {"places": "<i2", "regions": "u1", "cosines": "<i2"}         # the other lists are <u2


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


# --- what the page is told ----------------------------------------------------------------------

def cosines_by_loops(results, w, others):
    """List the nearest of other words to a word, by plain loops: cosines in thousandths, words."""
    U, V, W = (X.astype(float) for X in (results.U, results.V, results.W))
    E = np.hstack([V @ W, U])
    cosines = [(E[w] @ E[c] / math.sqrt(E[w] @ E[w] * (E[c] @ E[c])), results.words[c])
               for c in others if c != w]
    return [(round(1000 * cosine), word) for cosine, word in sorted(cosines)[:-11:-1]]


def test_nearest_words_are_those_of_plain_loops():
    results = make_results(CYRILLIC)
    data = describe(results, 30)
    on_page = [results.word2ind[word] for word in data["words"]]
    assert len(on_page) > 40
    for number, w in enumerate(on_page):
        # The words on the map have the nearest of all, the others the nearest of the page.
        others = range(len(results.words)) if number < 30 else on_page
        pairs = list(zip(unpack(data, "cosines")[number], named(data, "near", number)))
        assert pairs == cosines_by_loops(results, w, others)


def test_context_words_are_those_that_predict_prints(folder):
    data = data_of((folder / "map.html").read_text("utf-8"))
    for w, by, name in (0, "probability", "probable"), (7, "lift", "lifted"):
        printed = launch("predict", data["words"][w], "--by", by, cwd=folder).stdout
        p, _, lift, contexts = zip(*map(str.split, printed.splitlines()[2:]))
        assert named(data, name, w) == list(contexts)
        found = np.exp(-unpack(data, f"{name}_p")[w] / 4096)
        assert found == pytest.approx([float(number) for number in p], rel=0.001, abs=6e-6)
        shares = [data["counts"][c] / data["total"] for c in unpack(data, name)[w]]
        assert found / shares == pytest.approx([float(number) for number in lift], rel=0.01)


def test_frequent_words_are_on_the_map_and_those_that_they_list_most():
    results = make_results(CYRILLIC)
    results.freqs = results.freqs[::-1].copy()
    most_frequent = range(len(CYRILLIC) - 1, -1, -1)
    listed = Counter(word for w in most_frequent[:40]
                     for _, word in cosines_by_loops(results, w, most_frequent))
    data = describe(results, 60)
    assert data["words"][:40] == [CYRILLIC[w] for w in most_frequent[:40]]
    added = data["words"][40:60]
    left_out = set(CYRILLIC) - set(data["words"][:60])
    assert min(listed[word] for word in added) >= max(listed[word] for word in left_out)
    assert data["counts"][:60] == sorted(data["counts"][:60])[::-1]
    assert len(unpack(data, "places", 2)) == 60


def grouped_results():
    """Make up results of 300 words in three groups: the words of a group are alike."""
    results = make_results([f"{'abc'[number % 3]}{'ж' * (number // 3 + 3)}"
                            for number in range(300)])
    for X in results.U, results.V:
        X += 9 * np.eye(3, 6, dtype=np.float32)[np.arange(300) % 3]
    return results


def test_neighbours_are_near_each_other():
    places = unpack(describe(grouped_results(), 300), "places", 2)
    assert abs(places).max() == 10000
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 10 ** 6 * np.eye(300)
    assert (distances.argmin(axis=1) % 3 == np.arange(300) % 3).mean() > 0.95


def test_regions_have_words_that_are_alike_and_their_most_central_ones_as_titles():
    results = grouped_results()
    results.words[20:24] = ["<END>", "...", "12", "_"]
    data = describe(results, 300)
    [regions] = unpack(data, "regions", 300)
    assert set(np.flatnonzero(regions == 12)) == {0, 1, 2, 3, 4, 20, 21, 22, 23}
    assert len(data["titles"]) == 12 and set(regions) == set(range(13))
    for region, title in enumerate(data["titles"]):
        members = np.flatnonzero(regions == region)
        assert len(set(members % 3)) == 1
        assert {*title["words"], title["middle"]} <= set(members)
        assert len(set(title["words"])) == 2 and max(title["words"]) < 100


@pytest.mark.parametrize("L", [2, 3, 5, 12, 23])
def test_few_words(L):
    data = describe(make_results(CYRILLIC[:L]), 6000)
    assert len(unpack(data, "places", 2)) == L
    assert unpack(data, "near", min(L - 1, 10)).shape[0] == L
    assert unpack(data, "probable", min(L, 10)).shape[0] == L
    assert len(data["titles"]) == L // 10


@pytest.mark.filterwarnings("ignore")        # no variance at all, no different clusters
@pytest.mark.parametrize("value", [0, 1])
def test_words_that_are_all_alike(value):
    results = make_results(CYRILLIC[:40])
    results.U[:], results.V[:] = value, value
    data = describe(results, 40)
    assert unpack(data, "near")[3].tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_results_give_the_same_bytes(folder, threads, tmp_path):
    with threadpool_limits(threads):
        again = launch("map", "--words", "60", "--out", tmp_path / "again.html", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.html").read_bytes() == (folder / "map.html").read_bytes()


def test_a_page_has_less_than_2_megabytes(tmp_path):
    page = crowded_page(tmp_path, others=8000)
    assert page.stat().st_size < 2e6


def test_no_word_breaks_out_of_the_data():
    page = make_page(describe(make_results(HOSTILE), len(HOSTILE)))
    template = TEMPLATE.read_text("utf-8")
    for text in "</script", "<script", "<!--", "\u2028", "\u2029", "<img":
        assert page.count(text) == template.count(text)
    words = data_of(page)["words"]
    assert words[:-1] == HOSTILE[:-1]
    assert words[-1] == "x" * 39 + "…"


@pytest.mark.parametrize("corpus, options, language", [
    ("journalism_bg", [], "bg"), ("journalism_bg", ["--language", "en"], "en"),
    ("pydocs", [], "en"), ("pydocs", ["--language", "bg"], "bg"), (None, [], "en")])
def test_language(tmp_path, corpus, options, language):
    write(tmp_path, make_results(CYRILLIC[:5]))
    if corpus:
        run = Run(corpus, tokens=9, words=5, pairs=9, loss=2.0, floor=2.0, settings={}, versions={})
        (tmp_path / "w2v-run.json").write_text(json.dumps(asdict(run)))
    out = launch("map", *options, cwd=tmp_path)
    assert out.returncode == 0, out.stderr
    assert data_of((tmp_path / "map.html").read_text("utf-8"))["language"] == language


@pytest.mark.parametrize("options, said", [
    (["--results", "nowhere"], "nowhere/w2v-U.npy: no such file; train first"),
    (["--words", "1"], "must be a number from 2"),
    (["--words", "many"], "invalid int value: 'many'"),
    (["--out", "nowhere/map.html"], "nowhere: no such folder"),
    (["--out", "."], ".: a folder; name a file"),
    (["--language", "fr"], "invalid choice: 'fr'")])
def test_mistakes(folder, options, said):
    before = set(folder.iterdir())
    out = launch("map", *options, cwd=folder)
    assert out.returncode == 2 and said in out.stderr
    assert out.stderr.count("\n") == 1
    assert set(folder.iterdir()) == before


# --- what the page does in a browser ------------------------------------------------------------

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--window-size=1280,800", "--force-prefers-reduced-motion"]
ENTER, ESCAPE, UP, RIGHT, DOWN = "\ue007", "\ue00c", "\ue013", "\ue014", "\ue015"


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
            "requestAnimationFrame(() => setTimeout(arguments[0], 100))")

    def find(self, selector):
        return self.browser.find_elements("css selector", selector)

    def type(self, *keys):
        self.browser.switch_to.active_element.send_keys(*keys)

    def search(self, word):
        self.find("#search")[0].send_keys(word, ENTER)      # which takes the first that is offered
        self.wait_for_word(word)

    def place(self, word):
        """Find where a word of the map is in the window."""
        return self.run("const box = canvas.getBoundingClientRect(); return "
                        "[box.x + screenX(arguments[0]), box.y + screenY(arguments[0])]", word)

    def mouse(self, kind, x, y):
        pressed = 0 if kind == "mouseReleased" else 1
        self.protocol("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                      buttons=pressed, clickCount=1)

    def click(self, x, y):
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)

    def wait_for_word(self, word):
        """Wait until a word is selected; None: until none is."""
        from selenium.webdriver.support.wait import WebDriverWait
        WebDriverWait(self.browser, 5).until(lambda _: self.word() == word)

    def word(self):
        shown = self.find("#lists:not([hidden]) #word")
        return shown[0].get_property("textContent") if shown else None

    def rows(self, table):
        return [[cell.text for cell in row.find_elements("css selector", "td")]
                for row in self.find(f"#{table} tbody tr")]

    def complaints(self):
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def page(browser, folder):
    page = Page(browser, folder / "map.html")
    yield page
    assert page.complaints() == []
    page.protocol("Emulation.clearDeviceMetricsOverride")
    page.protocol("Emulation.setEmulatedMedia", features=[])


@pytest.fixture
def crowded(browser, tmp_path):
    page = Page(browser, crowded_page(tmp_path))
    yield page
    assert page.complaints() == []


def test_browser_asks_for_nothing_but_the_page(page):
    page.search(CYRILLIC[7])
    assert page.run("return performance.getEntriesByType('resource')") == []
    assert page.browser.title == "A map of 60 words"


def test_browser_search_finds_a_word_and_lists_what_the_page_was_told(page, folder):
    data = data_of((folder / "map.html").read_text("utf-8"))
    word = CYRILLIC[7]
    page.find("#search")[0].send_keys(word[:3])
    offered = [item.text for item in page.find("#found button")]
    assert word in offered and all(word[:3] in other for other in offered)
    page.find("#search")[0].clear()
    page.search(word)

    cosines = [f"{cosine / 1000:.3f}" for cosine in unpack(data, "cosines")[7]]
    assert page.rows("nearest") == [list(row) for row in zip(named(data, "near", 7), cosines)]
    assert page.find("#lifted[aria-pressed=true]")
    for order in "lifted", "probable":
        page.find(f"#{order}")[0].click()
        logs = unpack(data, f"{order}_p")[7]
        for row, c, p in zip(page.rows("contexts"), unpack(data, order)[7], np.exp(-logs / 4096)):
            assert row[:2] == [data["words"][c], f"{p:.2%}"]
            assert float(row[2]) == pytest.approx(p / data["counts"][c] * data["total"], rel=0.01)


def test_browser_search_and_lists_have_arrow_keys(page):
    [(start, _)] = Counter(word[0] for word in CYRILLIC[:60]).most_common(1)
    page.find("#search")[0].send_keys(start, DOWN, DOWN)
    second = page.find("#found button")[1].text
    page.type(ENTER)
    page.wait_for_word(second)
    page.type(DOWN, DOWN, DOWN, UP)
    third = page.rows("nearest")[1][0]
    page.type(ENTER)
    page.wait_for_word(third)
    page.find("#search")[0].send_keys("qqq")
    assert page.find("#found")[0].text == "not on this page"


def test_browser_click_lists_neighbours_and_back_goes_back(page):
    page.click(*page.place(0))
    page.wait_for_word(CYRILLIC[0])
    buttons = page.find("#nearest td button")
    assert [button.text for button in buttons] == [word for word, _ in page.rows("nearest")]
    assert not page.find("#back")[0].is_displayed(), "there is nothing to go back to"

    second = buttons[0].text
    buttons[0].click()
    page.wait_for_word(second)
    page.find("#back")[0].click()
    page.wait_for_word(CYRILLIC[0])
    page.browser.forward()
    page.wait_for_word(second)
    page.type(ESCAPE)
    page.wait_for_word(None)


def test_browser_grey_words_have_lists_too(page):
    for number in range(60):
        page.run("choose(arguments[0])", number)
        grey = page.find("#nearest .off")
        if grey:
            break
    word = grey[0].text
    assert page.run("return isOnMap(data.words.indexOf(arguments[0]))", word) is False
    grey[0].click()
    page.wait_for_word(word)
    assert page.find("#times")[0].text.endswith("; not on the map")
    assert not page.find("#contexts")[0].is_displayed()
    nearest = [button.text for button in page.find("#nearest td .word:not(.off)")]
    assert written_words(page)[:len(nearest[:5])] == nearest[:5]


def test_browser_an_address_opens_its_word_also_after_another_training(browser, folder, tmp_path):
    again = write_page(tmp_path / "again.html", describe(make_results(CYRILLIC[::-1]), 6000))
    for path in folder / "map.html", again:
        page = Page(browser, path, f"#{CYRILLIC[7]}")
        assert page.word() == CYRILLIC[7]
        assert not page.find("#back")[0].is_displayed()
    for fragment in "#", "#%", "#qqq":
        page = Page(browser, folder / "map.html", fragment)
        assert page.word() is None and page.complaints() == []


def test_browser_an_empty_panel_offers_words_to_try(page):
    buttons = page.find("#examples button")
    words = [button.text for button in buttons]
    assert len(set(words)) == 3 and set(words) <= set(CYRILLIC)
    buttons[2].click()
    page.wait_for_word(words[2])
    assert not page.find("#examples")[0].is_displayed()
    page.find("#close")[0].click()
    page.wait_for_word(None)
    assert page.find("#examples")[0].is_displayed()


def written_words(page):
    return page.run("return labels.map(label => data.words[label.word])")


def overlaps(page):
    """Count the pairs of words and titles that cover each other, by the boxes of their letters."""
    boxes = page.run("""return [...labels, ...titles].map(box => {
        context.font = box.written ? TITLE_FONT : fontOf(box.word);
        const text = context.measureText(box.written ?? data.words[box.word]);
        const [x, y] = onScreen(box);
        return [x - text.actualBoundingBoxLeft, y - text.actualBoundingBoxAscent,
                x + text.actualBoundingBoxRight, y + text.actualBoundingBoxDescent];
    })""")
    boxes = np.array(boxes)
    left, top, right, bottom = boxes.T
    across = (left < right[:, None]) & (left[:, None] < right)
    along = (top < bottom[:, None]) & (top[:, None] < bottom)
    return (np.count_nonzero(across & along) - len(boxes)) // 2


def test_browser_labels_cover_none_and_become_more_while_titles_fade(crowded):
    common = np.array(crowded.run("return labels.map(label => isCommon(label.word))"))
    assert 0 < common.sum() < len(common) and (np.diff(common.astype(int)) >= 0).all()
    counts, titles = [], []
    for _ in range(6):
        counts.append(crowded.run("return labels.length"))
        titles.append(crowded.run("return titles.length && titleStrength()"))
        assert overlaps(crowded) == 0
        crowded.find("#closer")[0].click()
    assert counts == sorted(counts) and counts[0] < counts[-1] / 3
    assert titles[0] == 1 and 0 < titles[1] < 1 and titles[-1] == 0


def test_browser_after_a_click_the_five_nearest_are_written(crowded):
    for number in *range(0, 6000, 500), 5999:
        crowded.run("moveTo(9000, 9000, 20 * smallest()); choose(arguments[0])", number)
        crowded.pause()
        assert overlaps(crowded) == 0
        nearest = [word for word, _ in crowded.rows("nearest")]
        assert written_words(crowded)[:6] == [f"слово{number}", *nearest[:5]]
        assert crowded.run("return labels.slice(1, 6).every(box => isSeen(...onScreen(box), 0, 0))")


def test_browser_zoom_ends_where_a_dozen_words_are_seen(crowded):
    for _ in range(20):
        crowded.run("zoom(1.6)")
    scale, seen = crowded.run("return [view.scale, everyWord.filter("
                              "word => isSeen(screenX(word), screenY(word), 0, 0)).length]")
    assert 10 <= seen <= 14
    crowded.find("#closer")[0].click()
    assert crowded.run("return view.scale") == scale


def test_browser_moves_by_mouse_wheel_keys_and_fingers(crowded):
    page = crowded

    def state():
        return page.run("return [view.x, view.y, view.scale, labels.map(label => label.word)]")

    x, y, scale, labels = state()
    page.mouse("mousePressed", 800, 400)
    page.mouse("mouseMoved", 860, 430)
    page.mouse("mouseReleased", 860, 430)
    assert state() == [pytest.approx(x - 60 / scale), pytest.approx(y - 30 / scale), scale, labels]
    assert page.word() is None, "a drag is no click"

    before = page.place(5)
    page.protocol("Input.dispatchMouseEvent", type="mouseWheel", x=before[0], y=before[1], deltaX=0,
                  deltaY=-300)
    page.pause()
    assert page.place(5) == pytest.approx(before, abs=1)
    assert state()[2] > 1.5 * scale

    page.find("#all")[0].click()
    assert state() == [0, 0, scale, labels]
    page.run("canvas.focus()")
    page.type("+", RIGHT)
    assert state()[2] > scale and state()[0] > 0
    page.type("0")
    assert state() == [0, 0, scale, labels]

    def touch(kind, *points):
        page.protocol("Input.dispatchTouchEvent", type=kind, touchPoints=[
            {"x": x, "y": 400, "id": number} for number, x in enumerate(points)])

    touch("touchStart", 750, 850)
    for spread in range(60, 110, 10):
        touch("touchMove", 800 - spread, 800 + spread)
    touch("touchEnd")
    assert state()[2] == pytest.approx(2 * scale, rel=0.05)

    page.find("#all")[0].click()
    page.click(*page.run("const box = canvas.getBoundingClientRect(), [x, y] = onScreen(titles[0]);"
                         " return [box.x + x, box.y + y]"))
    page.pause()
    assert state()[2] == pytest.approx(3 * scale) and page.word() is None


def test_browser_on_a_phone_a_finger_selects(page):
    page.protocol("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=3,
                  mobile=True)
    page.browser.refresh()
    extent = page.run("const x = everyWord.map(screenX); return Math.max(...x) - Math.min(...x)")
    assert 340 < extent < 390, "the map has the whole width"
    x, y = page.place(0)
    page.protocol("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    page.protocol("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait_for_word(CYRILLIC[0])
    page.pause()
    box = page.find("#map")[0].rect
    x, y = page.place(0)
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


@pytest.mark.parametrize("scheme, ink", [("light", "#20242b"), ("dark", "#e6e4df")])
def test_browser_light_and_dark_have_colours_for_the_colour_blind(page, scheme, ink):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.protocol("Emulation.setEmulatedMedia", features=[feature])
    page.pause()
    assert page.run("return colours.ink") == ink
    colours = page.run("return [...colours.regions, colours.ground]")
    assert len(colours) == 13
    for vision in VISIONS:
        for one, other in combinations(colours, 2):         # of Okabe and Ito's the least is 16
            assert np.linalg.norm(lab(one, vision) - lab(other, vision)) > 15, (one, other)


def test_browser_everything_that_can_be_used_has_a_name(page):
    for node in page.find("button, input, canvas"):
        name = node.accessible_name
        assert name or not node.is_displayed(), node.get_attribute("outerHTML")
    assert page.run("return document.documentElement.lang") == "en"


def test_browser_bulgarian(browser, tmp_path):
    results = make_results(CYRILLIC)
    page = Page(browser, write_page(tmp_path / "карта.html", describe(results, 60), "bg"))
    assert page.browser.title == "Карта на 60 думи"
    page.search(CYRILLIC[7])
    captions = [caption.text for caption in page.find("caption")]
    assert captions == ["Най-близки думи", "Контекстни думи"]
    assert re.fullmatch(r"0,\d{3}", page.rows("nearest")[0][1])
    assert page.complaints() == []


def test_browser_shows_hostile_words_as_text(browser, tmp_path):
    data = describe(make_results(HOSTILE), len(HOSTILE))
    page = Page(browser, write_page(tmp_path / "hostile.html", data, corpus=HOSTILE[0]))
    for number, word in enumerate([*HOSTILE[:-1], "x" * 39 + "…"]):
        page.run("choose(arguments[0])", number)
        page.wait_for_word(word)
        assert len(page.rows("nearest")) == 10
    assert page.run("return data.words.length") == len(HOSTILE)
    page.find("#search")[0].send_keys("script")
    assert page.find("#found button")[0].text == HOSTILE[0]
    assert page.browser.title == f"{HOSTILE[0]}: A map of {len(HOSTILE)} words"
    assert page.run("return typeof hacked") == "undefined"
    assert page.complaints() == []


def write_page(file, data, language="en", corpus=""):
    """Write a page of what `describe` returns."""
    file.write_text(make_page(data | {"language": language, "corpus": corpus}), "utf-8")
    return file


def crowded_page(folder, L=6000, others=0):
    """Write a page of many words, at random places, 100 of them common ones."""
    rng = np.random.default_rng(0)
    lists = {"places": rng.integers(-10000, 10000, 2 * L), "regions": np.arange(L) % 12,
             "near": rng.integers(0, L, 10 * (L + others)), "cosines": [500] * 10 * (L + others)}
    for name in "lifted", "lifted_p", "probable", "probable_p":
        lists[name] = rng.integers(0, L, 10 * L)
    lists["regions"][:100] = 12
    data = {name: base64.b64encode(np.array(numbers).astype(KINDS.get(name, "<u2"))).decode()
            for name, numbers in lists.items()}
    data |= {"words": [f"слово{number}" for number in range(L + others)],
             "titles": [{"words": [word, word + 12], "middle": 200} for word in range(200, 212)],
             "counts": (10 ** 6 // np.arange(1, L + others + 1)).tolist(), "total": 10 ** 7}
    return write_page(folder / "crowded.html", data)
