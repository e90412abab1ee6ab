"""What is a letter, a word, or nothing at all, in the writing systems of the world."""

import re
import unicodedata

# Characters that nobody sees: Unicode's Default_Ignorable_Code_Point, without the two joiners.
IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+")
JOINERS = "\u200c\u200d"

# \w knows nothing of combining marks, with which Devanagari, Arabic and a stressed а̀ are written.
MARKS = "".join(char for char in map(chr, range(0x20000)) if unicodedata.category(char)[0] == "M")
VIRAMAS = "".join(mark for mark in MARKS if unicodedata.combining(mark) == 9)

# A joiner shapes the letters or marks between which it stands, and at the end of a word the
# consonant whose virama it follows. Elsewhere it is nothing.
STRAY_JOINERS = re.compile(
    rf"(?<![\w{MARKS}{JOINERS}])[{JOINERS}]+"
    rf"|(?<![{VIRAMAS}{JOINERS}])[{JOINERS}]+(?![\w{MARKS}{JOINERS}])")

FINAL_SIGMA = re.compile(rf"(?<=[\w{MARKS}])σ(?![\w{MARKS}])")


def normalised(text):
    """Write text as it is compared: lower-case, composed (NFC), without what nobody sees."""
    if text.isascii():                          # as much text is: nothing else is to be done
        return text.lower()
    text = IGNORABLE.sub("", text)
    text = unicodedata.normalize("NFC", text)
    text = text.replace("İ", "i").lower()       # lower() alone would leave a dot above the i
    text = unicodedata.normalize("NFC", text)   # J̌ has no character of its own, but ǰ has
    if "σ" in text or "ς" in text:              # lower() looks across full stops for a word's end
        text = FINAL_SIGMA.sub("ς", text.replace("ς", "σ"))
    if any(joiner in text for joiner in JOINERS):       # they are rare, and the search is slow
        text = STRAY_JOINERS.sub("", text)
    return text


# A word, or a run of punctuation and symbols.
TOKEN = re.compile(rf"[\w{MARKS}{JOINERS}]+|[^\w\s{MARKS}{JOINERS}][^\w\s{JOINERS}]*")


def is_of_letters(word):
    """Say whether a word is of letters, with their marks and joiners, and of nothing else."""
    return all(char.isalpha() or char in JOINERS or unicodedata.category(char)[0] == "M"
               for char in word)
