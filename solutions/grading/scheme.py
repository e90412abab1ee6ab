"""The scheme of points: what earns them, what costs them; the checks stand in deep_checks.py.

A task's points are those of its parts that are right, less what the faults found in it cost, and
not below 0.
"""

from collections.abc import Callable
from dataclasses import dataclass

TASKS = {"3": "sampling.py", "4": "lossAndGradient", "5": "lossAndGradientBatched",
         "6": "w2v_sgd.py"}
POINTS = {"3": 1., "4": 2., "5": 2., "6": 2.}
BY_HAND = 3.            # for tasks 1 and 2
MODULES = {"3": "sampling", "4": "grads", "5": "grads", "6": "w2v_sgd"}

CHECKS = []             # in the order in which they are run


@dataclass(frozen=True)
class Check:
    """A function that fails, by pytest.fail, unless a part of a task is right.

    It is called with the module under test, and with the checks passed so far, a set of (task,
    part): what is known to be wrong is not to be punished again.
    """

    task: str
    part: str
    earns: float
    costs: float
    function: Callable

    @property
    def points(self):
        """Return what is lost if it fails."""
        return self.earns + self.costs


def part(task, name, earns):
    """Decorate the check of a part of a task that earns points."""
    def register(function):
        CHECKS.append(Check(task, name, earns, 0., function))
        return function
    return register


def fault(task, name, costs):
    """Decorate the check for a fault that costs points of what the parts of a task have earned."""
    def register(function):
        CHECKS.append(Check(task, name, 0., costs, function))
        return function
    return register


def points(passed):
    """Return the points of each task, from the set of (task, part) of the checks passed."""
    result = dict.fromkeys(TASKS, 0.)
    for check in CHECKS:
        if (check.task, check.part) in passed:
            result[check.task] += check.earns
        else:
            result[check.task] -= check.costs
    return {task: round(max(0., value), 2) for task, value in result.items()}
