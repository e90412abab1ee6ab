"""Grade archives FNXXX.zip: python solutions/grade.py FN*.zip; grading.md says what it does."""

import argparse
import contextlib
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

if sys.version_info < (3, 11):
    print("grade.py: this needs Python 3.11 or newer, not", sys.version.split()[0], file=sys.stderr)
    sys.exit(2)

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from utils import InputError, encode_corpus, extractDictionary

HERE = Path(__file__).resolve().parent

TASKS = {"3": (1, "sampling.py"), "4": (2, "lossAndGradient"), "5": (2, "batches"), "6": (2, "w2v_sgd.py")}
CHECKS = {str(HERE.parent / "test.py"): "published", str(HERE / "deep_checks.py"): "deeper"}
REASONS = 5         # shown of a part of a task


def grade(path, timeout=120., memory=4., corpus=None, checks=CHECKS):
    """Grade one archive, in processes of its own.

    Parameters
    ----------
    path : of the .zip file; its stem is the student
    timeout : seconds for the archive's own code
    memory : GB for it
    corpus : file of `prepare_corpus` on which the embeddings are judged
    checks : dict from a file of checks to the part of a task's points that they earn together

    Returns
    -------
    {"student", "tasks": {"3": {"points", "of", "lost": [reasons]}, …}, "answers": [names],
     "artefacts": [{"file", "ok", "note"}], "notes": [lines], "sandbox": what it lacked, "total", "of"}

    Raises
    ------
    InputError : there can be no sandbox on this machine
    """
    order = {"archive": str(Path(path).resolve()), "timeout": timeout, "memory": int(memory * 2 ** 30),
             "corpus": corpus and str(corpus), "checks": checks}
    pipe, environment = subprocess.PIPE, {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    environment |= {"OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0"}
    scratch = tempfile.mkdtemp(prefix="grade-")
    os.chmod(scratch, 0o711)                # the sandbox's user has a folder in it
    try:
        with subprocess.Popen([sys.executable, "-B", HERE / "judge.py"], stdin=pipe, stdout=pipe, stderr=pipe,
                              env=environment | {"TMPDIR": scratch}, start_new_session=True) as judge:
            try:
                out, err = judge.communicate(json.dumps(order).encode() + b"\n", 2 * timeout + 60)
            except BaseException as error:
                judge.kill()                # its sandbox ends with it
                out, err = judge.communicate()
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
    finally:
        with contextlib.suppress(RecursionError):
            shutil.rmtree(scratch, ignore_errors=True)
    lines = [json.loads(line) for line in out.decode().splitlines() if line.endswith("}")]
    return _assessed(Path(path).stem, lines, list(checks.values()), err.decode(errors="replace"))


def _assessed(student, lines, parts, err):
    def all_of(key):
        return [line[key] for line in lines if key in line]
    if unready := all_of("unready"):
        raise InputError(unready[0])
    unfit, notes = all_of("unfit"), list(filter(None, all_of("note")))
    done = {tuple(line["check"]): line for line in lines if "check" in line}
    expected = [tuple(check) for checks in all_of("collected") for check in checks]
    if broken := all_of("broken"):
        notes += [f"the grader's checks cannot be read: {line}" for line in broken]
    elif not unfit and not all_of("finished"):
        notes.append("the grader ended early: " + (" ".join(err.split())[-300:] or "the time was over"))
    tasks = {}
    for task, (of, _) in TASKS.items():
        points, lost = 0., []
        for part in parts:
            mine = [check for check in expected if check[:2] == (task, part)]
            failed = [check for check in mine if not done.get(check, {}).get("passed")]
            if mine and not failed and not broken:
                points += of / len(parts)
                continue
            first = {}                      # check for each message
            for check in failed:
                first.setdefault(done[check]["reason"] if check in done else "not reached", check[2])
            reasons = [f"{name.removeprefix('test_')}: {message}" for message, name in first.items()]
            reasons = reasons or ["no check was run"]
            more = [f"and {len(reasons) - REASONS} more"] if len(reasons) > REASONS else []
            lost += [f"{part}: {reason}" for reason in reasons[:REASONS] + more]
        tasks[task] = {"points": points, "of": of, "lost": unfit or lost}
    return {"student": student, "tasks": tasks, "answers": sum(all_of("answers"), []),
            "artefacts": sum(all_of("artefacts"), []), "notes": list(dict.fromkeys(notes)),
            "sandbox": "".join(all_of("missing")), "total": sum(task["points"] for task in tasks.values()),
            "of": sum(of for of, _ in TASKS.values())}


def described(result):
    """A result as Markdown that reads well on a terminal, too."""
    lines = [f"# {_plain(result['student'])}", "", "| task | | points |", "|---|---|---|",
             f"| 1–2 | {', '.join(map(_plain, result['answers'])) or 'no answer file'} | by hand |"]
    for task, (of, what) in TASKS.items():
        lines.append(f"| {task} | {what} | {result['tasks'][task]['points']:g} of {of} |")
    lines += [f"| | total of 3–6 | {result['total']:g} of {result['of']} |", ""]
    lines += [f"- task {task}, {_plain(reason)}" for task in TASKS for reason in result["tasks"][task]["lost"]]
    lines += [f"- {row['file']}: {'' if row['ok'] else 'WRONG, '}{_plain(row['note'])}" for row in result["artefacts"]]
    return "\n".join(lines + [f"- note: {_plain(note)}" for note in result["notes"]] + [""])


def _plain(text):
    """A student's text with no control characters, and with nothing that Markdown would take for its own."""
    text = "".join(char if char.isprintable() else " " for char in str(text)).encode(errors="replace").decode()
    return text.replace("<", "‹").replace("|", "¦").replace("`", "'").replace("](", "] (")


def write_csv(file, results):
    def cell(value):
        value = " ".join(_plain(value).split())
        return f"'{value}" if value[:1] in ("=", "+", "-", "@") else value       # spreadsheets would compute it
    with open(file, "w", newline="", encoding="utf-8-sig") as stream:
        writer = csv.writer(stream)
        writer.writerow(["student", *(f"task {task}" for task in TASKS), "total", "artefacts", "notes"])
        for result in results:
            wrong = [f"{row['file']}: {row['note']}" for row in result["artefacts"] if not row["ok"]]
            lost = [f"task {task}, {reason}" for task in TASKS for reason in result["tasks"][task]["lost"]]
            points = [f"{result['tasks'][task]['points']:g}" for task in TASKS]
            writer.writerow([cell(result["student"]), *points, f"{result['total']:g}", cell("; ".join(wrong) or "fine"),
                             cell("; ".join(lost + result["notes"]))])


def find_archives(paths):
    """The .zip files that are named or lie in the folders that are named, sorted by student."""
    found = []
    for path in map(Path, paths):
        if not path.exists():
            raise InputError(f"{path}: no such file or folder")
        inside = sorted(path.glob("*.[zZ][iI][pP]")) if path.is_dir() else [path]
        if not (inside := [file for file in inside if file.is_file()]):
            raise InputError(f"{path}: no .zip file")
        found += inside
    stems = {}
    for path in dict.fromkeys(file.resolve() for file in found):
        if (other := stems.setdefault(path.stem, path)) != path:
            raise InputError(f"{path} and {other} are of the same student; rename one")
    return [stems[stem] for stem in sorted(stems)]


def prepare_corpus(name, file):
    """Write a corpus's words, the most frequent first, and its text as their indices, for the judges."""
    import numpy as np

    from corpus.reading import open_corpus, read_sentences
    text = open_corpus(name).text
    words, word2ind, _ = extractDictionary(read_sentences(text), None)
    ids = encode_corpus(read_sentences(text), 3, word2ind)
    np.savez(file, words=words, ids=ids[:2 * 10 ** 6])


def grade_all(options):
    archives = find_archives(options.archives)
    if options.report:
        options.report.mkdir(parents=True, exist_ok=True)
    if options.csv:
        write_csv(options.csv, [])                      # made first: can we write?
    results = []
    with tempfile.TemporaryDirectory(prefix="grade-") as scratch, ThreadPoolExecutor(options.jobs) as pool:
        corpus = Path(scratch, "corpus.npz") if options.corpus else None
        if corpus:
            prepare_corpus(options.corpus, corpus)
        ready = [pool.submit(grade, path, options.timeout, options.memory, corpus) for path in archives]
        try:
            for path, future in zip(archives, ready):
                results.append(future.result())
                text = described(results[-1])
                print(text, flush=True)
                if options.report:
                    (options.report / f"{path.stem}.md").write_text(text, encoding="utf-8", errors="replace")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if options.csv:
        write_csv(options.csv, results)
    print(f"{len(results)} archives")
    for task, (of, what) in TASKS.items():
        full = sum(result["tasks"][task]["points"] == of for result in results)
        print(f"  task {task}, {what:16} {full:4} with full marks")
    mean = sum(result["total"] for result in results) / len(results)
    print(f"  mean of the totals {mean:.2f} of {results[0]['of']}")
    if lacking := sorted({result["sandbox"] for result in results} - {""}):
        print(f"grade.py: the sandbox is weaker than it could be: {lacking[0]}; see solutions/grading.md",
              file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(prog="grade.py", description="Grade tasks 3–6 in archives FNXXX.zip.")
    parser.error = lambda message: parser.exit(2, f"grade.py: {message}\n")
    add = parser.add_argument
    add("archives", nargs="+", metavar="FILE|FOLDER", help="archives, or folders with archives")
    add("--jobs", type=int, default=os.cpu_count(), metavar="N", help="archives graded at a time (%(default)s)")
    add("--timeout", type=float, default=120, metavar="SECONDS", help="for an archive's own code (%(default)s)")
    add("--memory", type=float, default=4, metavar="GB", help="for an archive's own code (%(default)s)")
    add("--csv", metavar="FILE", help="write a row a student")
    add("--report", type=Path, metavar="DIR", help="write a Markdown file a student")
    add("--corpus", metavar="NAME|PATH", help="judge the saved embeddings on this text, as run.py takes it")
    options = parser.parse_args()
    if options.jobs < 1 or not 1 <= options.timeout <= 10 ** 6 or not 0.5 <= options.memory <= 1000:
        parser.error("--jobs and --timeout must be at least 1, --memory at least 0.5")
    try:
        sys.stdout.reconfigure(errors="replace")
        grade_all(options)
    except InputError as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        sys.exit("grade.py: stopped")


if __name__ == "__main__":
    main()
