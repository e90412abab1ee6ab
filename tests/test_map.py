"""The map: what the page is told, and what it does in a browser (Chromium and Selenium)."""

import json
import math
import re
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from beyond.map import TEMPLATE, describe, make_page, most_frequent
from beyond.results import Results
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


def part(data, name, word):
    """Take out of a flat list what belongs to a word of the map."""
    length = len(data[name]) // (len(data["places"]) // 2)
    return data[name][word * length:(word + 1) * length]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with results of Cyrillic words, and map.html with the 60 most frequent."""
    folder = tmp_path_factory.mktemp("map")
    write(folder, make_results(CYRILLIC))
    out = launch("map", "--words", "60", cwd=folder)
    assert (out.returncode, out.stdout) == (0, "map.html\n"), out.stderr
    assert out.stderr == "placing 60 words by t-SNE …\n"
    return folder


# --- what the page is told ----------------------------------------------------------------------

def test_nearest_words_are_those_of_plain_loops():
    results = make_results(CYRILLIC[:50])
    data = describe(results, np.arange(20))
    U, V, W = (X.astype(float) for X in (results.U, results.V, results.W))
    E = np.hstack([V @ W, U])
    for w in range(20):
        cosines = [(E[w] @ row / math.sqrt(E[w] @ E[w] * (row @ row)), word)
                   for row, word in zip(E, results.words) if word != results.words[w]]
        expected = [(round(1000 * cosine), word) for cosine, word in sorted(cosines)[:-11:-1]]
        words = [data["words"][index] for index in part(data, "near", w)]
        assert list(zip(part(data, "cosines", w), words)) == expected


def test_numbers_are_those_that_nearest_and_predict_print(folder):
    data = data_of((folder / "map.html").read_text("utf-8"))
    for w in 0, 7, 59:
        word = data["words"][w]
        printed = launch("nearest", word, cwd=folder).stdout.splitlines()[2:]
        near = [data["words"][index] for index in part(data, "near", w)]
        cosines = [f"{cosine / 1000:.3f}" for cosine in part(data, "cosines", w)]
        assert [tuple(line.split()[:2]) for line in printed] == list(zip(cosines, near))

        expected = []
        for c, p in zip(part(data, "contexts", w), part(data, "probabilities", w)):
            share = data["counts"][c] / data["total"]
            expected.append([data["words"][c], f"{p / 100000:.5f}", f"{share:.5f}"])
        assert predicted(word, folder) == expected


def predicted(word, folder):
    """Read what predict prints: rows of a context word, p(c|w) and p(c)."""
    lines = launch("predict", word, cwd=folder).stdout.splitlines()[2:]
    return [[c, p, share] for p, share, *_, c in map(str.split, lines)]


def test_words_off_the_map_are_named_after_those_on_it():
    data = describe(make_results(CYRILLIC), np.arange(40))
    assert len(data["places"]) == 80
    assert data["words"][:40] == CYRILLIC[:40]
    assert sorted(set(data["near"] + data["contexts"]) | set(range(40))) \
        == list(range(len(data["words"])))


def test_the_most_frequent_words_are_on_the_map():
    results = make_results(list("abcde"))
    results.freqs = np.array([3, 9, 1, 9, 5])
    assert most_frequent(results, 3).tolist() == [1, 3, 4]
    results.freqs = None
    assert most_frequent(results, 3).tolist() == [0, 1, 2]
    assert most_frequent(results, 2000).tolist() == [0, 1, 2, 3, 4]


def test_neighbours_are_near_each_other():
    results = make_results(CYRILLIC[:90])
    groups = np.arange(90) % 3
    results.U += 9 * np.eye(3, 6, dtype=np.float32)[groups]
    data = describe(results, np.arange(90))
    places = np.reshape(data["places"], (90, 2))
    assert abs(places).max() == 5000
    distances = np.linalg.norm(places[:, None] - places, axis=2) + 10 ** 6 * np.eye(90)
    assert (groups[distances.argmin(axis=1)] == groups).mean() > 0.9


@pytest.mark.parametrize("L", [2, 3, 5, 12])
def test_few_words(L):
    data = describe(make_results(CYRILLIC[:L]), np.arange(L))
    assert len(data["places"]) == 2 * L
    assert len(data["near"]) == L * min(L - 1, 10) and len(data["contexts"]) == L * min(L, 10)


@pytest.mark.filterwarnings("ignore:invalid value")        # a share of no variance at all
@pytest.mark.parametrize("value", [0, 1])
def test_words_that_are_all_alike(value):
    results = make_results(CYRILLIC[:20])
    results.U[:], results.V[:] = value, value
    data = describe(results, np.arange(20))
    assert part(data, "near", 3) == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]


def test_without_frequencies():
    results = make_results(CYRILLIC[:20])
    results.freqs = None
    data = data_of(make_page(describe(results, np.arange(20))))
    assert "counts" not in data and "total" not in data


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_results_give_the_same_bytes(folder, threads, tmp_path):
    with threadpool_limits(threads):
        again = launch("map", "--words", "60", "--out", tmp_path / "again.html", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "again.html").read_bytes() == (folder / "map.html").read_bytes()


def test_a_page_of_2000_words_has_less_than_2_megabytes():
    words = [f"{number:x}продължителна" for number in range(5000)]
    some = np.arange(0, 5000, 25)
    data = describe(make_results(words), some)
    bytes_a_word = len(json.dumps(data, ensure_ascii=False).encode()) / len(some)
    assert len(TEMPLATE.read_bytes()) + 2000 * bytes_a_word < 2e6


def test_no_word_breaks_out_of_the_data():
    page = make_page(describe(make_results(HOSTILE), np.arange(len(HOSTILE))))
    template = TEMPLATE.read_text("utf-8")
    for text in "</script", "<script", "<!--", "\u2028", "\u2029", "<img":
        assert page.count(text) == template.count(text)
    words = data_of(page)["words"]
    assert words[:-1] == HOSTILE[:-1]
    assert words[-1] == "x" * 39 + "…"


@pytest.mark.parametrize("content, options, language", [
    ('{"corpus": "journalism_bg"}', [], "bg"),
    ('{"corpus": "journalism_bg"}', ["--language", "en"], "en"),
    ('{"corpus": "pydocs"}', [], "en"),
    ('{"corpus": "pydocs"}', ["--language", "bg"], "bg"),
    ('{"corpus": ["journalism_bg"]}', [], "en"),
    ('["journalism_bg"]', [], "en"),
    ('{"loss": 2}', [], "en"),
    ("journalism_bg", [], "en"),
    ("\udcff", [], "en"),
    (None, [], "en")])
def test_language(tmp_path, content, options, language):
    write(tmp_path, make_results(CYRILLIC[:5]))
    if content:
        (tmp_path / "w2v-run.json").write_bytes(content.encode(errors="surrogateescape"))
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
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(DRIVER)) as browser:
        yield browser


class Page:
    """A page in the browser, and what its user does there."""

    def __init__(self, browser, path):
        self.browser = browser
        self.url = path.as_uri()
        browser.get("about:blank")
        for log in "browser", "performance":
            browser.get_log(log)                # forget what was before
        browser.get(self.url)

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
        """Type a word into the search field and take the first that is offered."""
        self.find("#search")[0].send_keys(word, ENTER)
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

    def requests(self):
        """Collect the addresses that the page asked for."""
        messages = [json.loads(entry["message"])["message"]
                    for entry in self.browser.get_log("performance")]
        return {message["params"]["request"]["url"] for message in messages
                if message["method"] == "Network.requestWillBeSent"}


@pytest.fixture
def page(browser, folder):
    page = Page(browser, folder / "map.html")
    yield page
    assert page.complaints() == []
    page.protocol("Emulation.clearDeviceMetricsOverride")
    page.protocol("Emulation.setEmulatedMedia", features=[])


def test_browser_asks_for_nothing_but_the_page(page):
    page.search(CYRILLIC[7])
    asked = {url.partition("#")[0] for url in page.requests() if not url.startswith("data:")}
    assert asked == {page.url}
    assert page.browser.title == "A map of 60 words"


def test_browser_search_finds_a_word_and_lists_what_nearest_prints(page, folder):
    word = CYRILLIC[7]
    page.find("#search")[0].send_keys(word[:3])
    offered = [item.text for item in page.find("#found li")]
    assert word in offered and all(word[:3] in other for other in offered)
    page.find("#search")[0].clear()
    page.search(word)

    printed = launch("nearest", word, cwd=folder).stdout.splitlines()[2:]
    assert page.rows("nearest") == [line.split()[1::-1] for line in printed]
    assert page.rows("contexts") == predicted(word, folder)


def test_browser_search_with_arrows_and_without_success(page):
    [(start, _)] = Counter(word[0] for word in CYRILLIC[:60]).most_common(1)
    [search] = page.find("#search")
    search.send_keys(start, DOWN)
    [marked] = page.find("#found [aria-selected=true]")
    assert search.get_attribute("aria-activedescendant") == marked.get_attribute("id")
    second = marked.text
    assert second == page.find("#found li")[1].text
    search.send_keys(ENTER)
    page.wait_for_word(second)

    page.find("#search")[0].send_keys("qqq")
    assert [item.text for item in page.find("#found li")] == ["not on the map"]


def test_browser_click_lists_neighbours_and_back_goes_back(page):
    page.click(*page.place(0))
    page.wait_for_word(CYRILLIC[0])
    rows = page.rows("nearest")
    on_the_map = [word for word, _ in rows if word in CYRILLIC[:60]]
    buttons = page.find("#nearest td button")
    assert len(rows) == 10 and [button.text for button in buttons] == on_the_map
    assert 0 < len(on_the_map) < 10

    buttons[0].click()
    page.wait_for_word(on_the_map[0])
    page.find("#back")[0].click()
    page.wait_for_word(CYRILLIC[0])
    page.browser.forward()
    page.wait_for_word(on_the_map[0])
    page.type(ESCAPE)
    page.wait_for_word(None)


def test_browser_lists_have_arrow_keys(page):
    page.search(CYRILLIC[0])
    buttons = page.find("#lists td button")
    page.type(DOWN)
    assert page.browser.switch_to.active_element == buttons[0]
    page.type(DOWN, DOWN, UP)
    assert page.browser.switch_to.active_element == buttons[1]
    word = buttons[1].text
    page.type(ENTER)
    page.wait_for_word(word)


def overlaps(page):
    """Count the pairs of written words that cover each other, by the boxes of their letters."""
    boxes = page.run("""return labels.map(({word}) => {
        context.font = font(word);
        const text = context.measureText(data.words[word]), x = screenX(word), y = screenY(word);
        return [x - text.actualBoundingBoxLeft, y - text.actualBoundingBoxAscent,
                x + text.actualBoundingBoxRight, y + text.actualBoundingBoxDescent];
    })""")
    boxes = np.array(boxes)
    left, top, right, bottom = boxes.T
    across = (left < right[:, None]) & (left[:, None] < right)
    along = (top < bottom[:, None]) & (top[:, None] < bottom)
    return (np.count_nonzero(across & along) - len(boxes)) // 2


def test_browser_labels_never_cover_each_other_and_become_more(browser, tmp_path):
    page = Page(browser, crowded_page(tmp_path))
    counts = []
    for _ in range(6):
        counts.append(page.run("return labels.length"))
        assert overlaps(page) == 0
        page.find("#closer")[0].click()
    assert counts == sorted(counts) and counts[0] < counts[-1] / 3

    for number in 0, 7, 1999:
        page.run("choose(arguments[0])", number)
        page.wait_for_word(f"слово{number}")
        page.find("#all")[0].click()
        assert overlaps(page) == 0
        assert page.run("return labels[0].word") == number


def test_browser_moves_by_mouse_wheel_keys_and_fingers(page):
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


def test_browser_on_a_phone_a_finger_selects(page):
    page.protocol("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=3,
                  mobile=True)
    page.browser.refresh()
    x, y = page.place(0)
    page.protocol("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    page.protocol("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.wait_for_word(CYRILLIC[0])
    page.pause()
    box = page.find("#map")[0].rect
    x, y = page.place(0)
    assert 0 < x < 390 and box["y"] < y < box["y"] + box["height"], "the word stays in view"
    assert page.run("return document.documentElement.scrollWidth") == 390


def test_browser_light_and_dark(page):
    grounds = []
    for scheme in "light", "dark":
        feature = {"name": "prefers-color-scheme", "value": scheme}
        page.protocol("Emulation.setEmulatedMedia", features=[feature])
        page.pause()
        grounds.append([page.run("return colours.ink"),
                        page.run("return getComputedStyle(document.body).backgroundColor")])
    assert grounds == [["#20242b", "rgb(255, 255, 255)"], ["#e6e4df", "rgb(28, 32, 38)"]]


def test_browser_everything_that_can_be_used_has_a_name(page):
    for node in page.find("button, input, canvas"):
        name = node.accessible_name
        assert name or not node.is_displayed(), node.get_attribute("outerHTML")
    assert page.run("return document.documentElement.lang") == "en"


def test_browser_bulgarian(browser, folder, tmp_path):
    file = tmp_path / "карта.html"
    out = launch("map", "--words", "60", "--language", "bg", "--out", file, cwd=folder)
    assert out.returncode == 0, out.stderr
    page = Page(browser, file)
    assert page.browser.title == "Карта на 60 думи"
    page.search(CYRILLIC[7])
    captions = [caption.text for caption in page.find("caption")]
    assert captions == ["Най-близки думи", "Най-вероятни контекстни думи"]
    assert re.fullmatch(r"0,\d{3}", page.rows("nearest")[0][1])
    assert page.complaints() == []


def test_browser_shows_hostile_words_as_text(browser, tmp_path):
    data = describe(make_results(HOSTILE), np.arange(len(HOSTILE))) | {"language": "en",
                                                                       "corpus": HOSTILE[0]}
    (tmp_path / "hostile.html").write_text(make_page(data), "utf-8")
    page = Page(browser, tmp_path / "hostile.html")
    for number, word in enumerate([*HOSTILE[:-1], "x" * 39 + "…"]):
        page.run("choose(arguments[0])", number)
        page.wait_for_word(word)
        assert len(page.rows("nearest")) == 10
    assert page.run("return data.words.length") == len(HOSTILE)
    page.find("#search")[0].send_keys("script")
    assert page.find("#found li")[0].text == HOSTILE[0]
    assert page.browser.title == f"{HOSTILE[0]}: A map of {len(HOSTILE)} words"
    assert page.run("return typeof hacked") == "undefined"
    assert page.complaints() == []


def crowded_page(folder, L=2000):
    """Write a page of many words, at random places."""
    rng = np.random.default_rng(0)
    words = [f"слово{number}" for number in range(L)]
    data = {"words": words, "places": rng.integers(-5000, 5000, 2 * L).tolist(), "language": "en",
            "near": rng.integers(0, L, 10 * L).tolist(), "cosines": [500] * 10 * L,
            "contexts": rng.integers(0, L, 10 * L).tolist(), "probabilities": [1000] * 10 * L,
            "counts": (10 ** 6 // np.arange(1, L + 1)).tolist(), "total": 10 ** 7, "corpus": ""}
    file = folder / "crowded.html"
    file.write_text(make_page(data), "utf-8")
    return file


def test_browser_is_quick_with_2000_words(browser, tmp_path, record_property):
    page = Page(browser, crowded_page(tmp_path))
    loaded = page.run("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    page.run("window.times = []; (function frame(time) { times.push(time); "
             "requestAnimationFrame(frame); })(performance.now())")
    page.mouse("mousePressed", 800, 400)
    for step in range(100):
        page.mouse("mouseMoved", 800 + step, 400 + step % 50)
    page.mouse("mouseReleased", 900, 450)
    between = np.diff(page.run("return times"))
    record_property("note", f"loads in {loaded:.0f} ms, drags at {1000 / between.mean():.0f} Hz")
    assert loaded < 1000
    assert np.median(between) < 1000 / 30
