"""What a student and a teacher read of a result: Markdown that reads well on a terminal, too."""

from beyond.settings import TASKS
from solutions.grading import deep_checks, scheme
from solutions.grading.names import abbreviated, printable
from solutions.grading.results import GRADED, Loss

# The words of a report. What follows them, the details, is English, as python test.py says it.
BULGARIAN = {
    "task": "задача", "points": "точки", "of": "от", "total": "общо", "note": "бележка",
    "by hand": "на ръка", "no answer file": "няма файл с отговори",
    "graded": "оценено", "not readable": "не може да се прочете", "not graded": "неоценено",
    "not handed in": "не е предадено", "wrong": "грешно",
    "graded without a box (--unsafe)": "оценено без изолация (--unsafe)",
    "grads.py, one observation": "grads.py, едно наблюдение",
    "grads.py, a batch": "grads.py, партида",
    # Parts of the scheme; those that are not here are names of functions and variables.
    "large scores": "големи оценки", "n = 1 or M = 1": "n = 1 или M = 1",
    "S = 1 or n = 1": "S = 1 или n = 1", "a loop over S": "цикъл по S", "step": "стъпка",
    "repeated words": "повтарящи се думи", "twice in one context": "два пъти в един контекст",
    "data as a list or an array": "data като списък или масив",
    "no shuffling": "без разбъркване", "epochs and batches": "епохи и партиди",
    "one shuffling for all epochs": "едно разбъркване за всички епохи",
}
MOST_NOTES = 20


def word(text, language):
    """Return a word of ours in a language; what is not known there stays in English."""
    return BULGARIAN.get(text, text) if language == "bg" else text


def losses_of(failed):
    """Make the losses of a task from its failed checks; checks that say the same become one.

    failed : list of [task, part, lines]
    """
    points = {(check.task, check.part): check.points for check in deep_checks.CHECKS}
    merged = {}
    for task, part, lines in failed:
        merged.setdefault((task, tuple(map(printable, lines))), []).append(part)
    losses, left = [], dict(scheme.POINTS)      # more than a task has cannot be lost
    for (task, lines), parts in merged.items():
        lost = min(sum(points[task, part] for part in parts), left[task])
        left[task] -= lost
        losses.append(Loss(task, ", ".join(parts), round(lost, 2), lines))
    return losses


def report(result, language="en", is_unsafe=False):
    """Write the report of one hand-in as Markdown."""
    lines = [f"# {literal(result.student)}", ""]
    if result.state == GRADED:
        lines += table(result, language)
    else:
        lines += [word(result.state, language), ""]
    lines += [f"- {line}" for line in feedback(result, language, is_unsafe, literal)]
    return "\n".join([*lines, ""])


def table(result, language):
    """List the lines of the table of points."""
    answers = ", ".join(map(literal, result.answers)) or word("no answer file", language)
    by_hand = word("by hand", language) if result.by_hand is None else f"{result.by_hand:g}"
    lines = [f"| {word('task', language)} | | {word('points', language)} |", "|---|---|---|",
             f"| 1–2 | {answers} | {by_hand} |"]
    for task, what in TASKS.items():
        points = f"{result.points[task]:g} {word('of', language)} {scheme.POINTS[task]:g}"
        lines.append(f"| {task} | {word(what, language)} | {points} |")
    return [*lines, f"| | {word('total', language)} | {result.total:g} |", ""]


def feedback(result, language="en", is_unsafe=False, quoted=str):
    """List why points were lost, what the results of training are, and the notes.

    quoted : function that marks up text in which a student's may be
    """
    lines = []
    for loss in result.losses:
        parts = ", ".join(word(part, language) for part in loss.part.split(", "))
        lines.append(f"{word('task', language)} {loss.task}, {parts} (−{loss.points:g}): "
                     f"{quoted('; '.join(loss.lines))}")
    for row in result.artefacts:
        is_wrong = not row["ok"] and row["note"] != "not handed in"
        mark = f"{word('wrong', language)}, " if is_wrong else ""
        lines.append(f"{row['file']}: {mark}{word(row['note'], language)}")
    notes = abbreviated(result.notes, MOST_NOTES)
    lines += [f"{word('note', language)}: {quoted(note)}" for note in notes]
    if is_unsafe:
        lines.append(word("graded without a box (--unsafe)", language))
    return lines


def literal(text):
    """Return a student's text as a code span, in which Markdown takes nothing for its own."""
    text = printable(text, 1000).replace("`", "'").replace("|", "¦")
    return f"`{text}`"
