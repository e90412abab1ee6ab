"""What a student and a teacher read of a result: Markdown that reads well on a terminal, too."""

from solutions.grading import scheme
from solutions.grading.results import GRADED, Loss
from solutions.grading.texts import translated

MOST_NOTES = 20


def losses_of(failed):
    """Make the losses of a task from its failed checks; checks that say the same become one.

    failed : list of [task, part, lines]
    """
    points = {(check.task, check.part): check.points for check in scheme.CHECKS}
    merged = {}
    for task, part, lines in failed:
        merged.setdefault((task, tuple(lines)), []).append(part)
    losses = []
    for (task, lines), parts in merged.items():
        lost = min(sum(points[task, part] for part in parts), scheme.POINTS[task])
        losses.append(Loss(task, ", ".join(parts), lost, lines))
    return losses


def report(result, language="en", is_unsafe=False):
    """Write the report of one hand-in as Markdown."""
    def text(line):
        return translated(line, language)

    lines = [f"# {plain(result.student)}", ""]
    if result.state == GRADED:
        lines += table(result, text)
    else:
        lines += [text(result.state), ""]
    lines += feedback(result, language)
    for row in result.artefacts:
        mark = "" if row["ok"] else f"{text('WRONG')}, "
        lines.append(f"- {row['file']}: {mark}{plain(text(row['note']))}")
    lines += [f"- {text('note')}: {plain(text(note))}" for note in result.notes]
    if is_unsafe:
        lines.append(f"- {text('graded without a box (--unsafe)')}")
    return "\n".join([*lines, ""])


def table(result, text):
    answers = ", ".join(map(plain, result.answers)) or text("no answer file")
    by_hand = text("by hand") if result.by_hand is None else f"{result.by_hand:g}"
    lines = [f"| {text('task')} | | {text('points')} |", "|---|---|---|",
             f"| 1–2 | {answers} | {by_hand} |"]
    for task, what in scheme.TASKS.items():
        points = f"{result.points[task]:g} {text('of')} {scheme.POINTS[task]:g}"
        lines.append(f"| {task} | {what} | {points} |")
    return [*lines, f"| | {text('total')} | {result.total:g} |", ""]


def feedback(result, language="en"):
    """List the lines that say why points were lost."""
    lines = []
    for loss in result.losses:
        reasons = [plain(translated(line, language)) for line in loss.lines]
        task = translated("task", language)
        lines.append(f"- {task} {loss.task}, {translated(loss.part, language)} "
                     f"(−{loss.points:g}): {'; '.join(reasons)}")
    return lines


def plain(text):
    """Return a student's text without what Markdown would take for its own."""
    text = "".join(char if char.isprintable() else " " for char in str(text))
    text = text.encode(errors="replace").decode()
    return text.replace("<", "‹").replace("|", "¦").replace("`", "'").replace("](", "] (")
