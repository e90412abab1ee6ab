"""What passes between the parts of the grader: what was handed in, and what came of it."""

from dataclasses import dataclass, field

GRADED, NOT_READABLE, NOT_GRADED = "graded", "not readable", "not graded"


@dataclass(frozen=True)
class HandIn:
    """What one student handed in."""

    student: str            # a name, or the stem of an archive's name
    sources: tuple          # paths of archives, files and folders
    identifier: str = ""    # Moodle's number of the student's participation, if it comes from there


@dataclass(frozen=True)
class Loss:
    """Points that a student did not get, and why."""

    task: str               # "3" … "6"
    part: str               # of the scheme
    points: float
    lines: tuple            # the telling one first; at most three


@dataclass
class Result:
    """What came of one hand-in."""

    student: str
    identifier: str = ""
    state: str = GRADED     # or NOT_READABLE, NOT_GRADED
    points: dict = field(default_factory=dict)      # task -> points; empty unless graded
    losses: list = field(default_factory=list)      # of Loss
    answers: list = field(default_factory=list)     # names of the files with tasks 1 and 2
    artefacts: list = field(default_factory=list)   # {"file", "ok", "note"} of arrays and picture
    notes: list = field(default_factory=list)       # lines
    by_hand: float | None = None                    # the points of tasks 1 and 2, if they are given

    @property
    def total(self):
        """Return the sum of all points; None if it was not graded."""
        if self.state == NOT_GRADED:
            return None
        return sum(self.points.values()) + (self.by_hand or 0)
