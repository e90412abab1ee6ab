"""What is a letter, a word, or nothing at all, in the writing systems of the world."""

import re
import unicodedata

CHARACTERS = list(map(chr, range(0x20000)))     # all that these rules are about

# Characters that nobody sees: Unicode's Default_Ignorable_Code_Point, without the two joiners.
INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff")
IGNORABLE = re.compile(f"[{INVISIBLE}]+")
JOINERS = "\u200c\u200d"

# \w does not include combining marks, with which Devanagari, Arabic and a stressed а̀ are written.
ALL_MARKS = [char for char in CHARACTERS if unicodedata.category(char)[0] == "M"]
MARKS = "".join(mark for mark in ALL_MARKS if mark <= "\uffff")
RARE_MARKS = "".join(mark for mark in ALL_MARKS if mark > "\uffff")
VIRAMAS = "".join(mark for mark in ALL_MARKS if unicodedata.combining(mark) == 9)

# A joiner shapes the letters or marks on both sides of it, and at the end of a word the consonant
# whose virama it follows. Elsewhere it means nothing.
STRAY_JOINERS = re.compile(
    rf"(?<![\w{MARKS}{RARE_MARKS}{JOINERS}])[{JOINERS}]+"
    rf"|(?<![{VIRAMAS}{JOINERS}])[{JOINERS}]+(?![\w{MARKS}{RARE_MARKS}{JOINERS}])")

FINAL_SIGMA = re.compile(rf"(?<=[\w{MARKS}])σ(?![\w{MARKS}])")

# Ligatures and other shapes of letters, as text copied from a PDF has them: ﬃ is ffi.
SHAPES = re.compile("[\ufb00-\ufbff\ufe80-\ufefc]")

# A run of punctuation and symbols, which may have marks in it, but begins with none. Most begin
# below U+10000: only for the others is it worthwhile to look for a rare mark.
SYMBOLS = re.compile(
    rf"([^\w\s{MARKS}{JOINERS}](?:(?<=[\0-\uffff])|(?<![{RARE_MARKS}]))[^\w\s{JOINERS}]*)")


def normalised(text):
    """Write text as it is compared: lower-case, composed (NFC), without what nobody sees."""
    if text.isascii():                          # as much text is: nothing else is to be done
        return text.lower()
    text = IGNORABLE.sub("", text)
    text = SHAPES.sub(lambda shape: unicodedata.normalize("NFKC", shape[0]), text)
    text = unicodedata.normalize("NFC", text)
    text = text.replace("İ", "i").lower()       # lower() alone would leave a dot above the i
    text = unicodedata.normalize("NFC", text)   # J̌ has no character of its own, but ǰ has
    if "σ" in text or "ς" in text:              # lower() looks across full stops for a word's end
        text = FINAL_SIGMA.sub("ς", text.replace("ς", "σ"))
    if "\u200c" in text or "\u200d" in text:    # joiners are rare, and the search is slow
        text = STRAY_JOINERS.sub("", text)
    return text


def tokens_of(text):
    """Split normalised text into words and runs of punctuation."""
    return " ".join(SYMBOLS.split(text)).split()


def is_of_letters(word):
    """Say whether a word is of letters, with their marks and joiners, and of nothing else."""
    return all(char.isalpha() or char in JOINERS or unicodedata.category(char)[0] == "M"
               for char in word)
