"""The scheme of points, and what a check is; the checks stand in deep_checks.py."""

from collections.abc import Callable
from dataclasses import dataclass

from beyond.settings import TASKS

POINTS = {"3": 1., "4": 2., "5": 2., "6": 2.}
BY_HAND = 3.            # for tasks 1 and 2
MODULE_OF = {"3": "sampling", "4": "grads", "5": "grads", "6": "w2v_sgd"}


@dataclass(frozen=True)
class Check:
    """A part of a task that earns points if it is right, or a fault that costs some.

    Parameters
    ----------
    task, part : "3" … "6", and a name for the report
    function : fails, by pytest.fail, unless the part is right. It is called with the module under
        test, and with the checks passed so far, a set of (task, part): what is known to be wrong is
        not to be punished again.
    earns, costs : points
    """

    task: str
    part: str
    function: Callable
    earns: float = 0.
    costs: float = 0.

    @property
    def points(self):
        """What is lost if it fails."""
        return self.earns + self.costs


def points(checks, passed):
    """Return the points of each task: what its right parts earn, less what its faults cost.

    passed : set of (task, part)
    """
    result = dict.fromkeys(TASKS, 0.)
    for check in checks:
        if (check.task, check.part) in passed:
            result[check.task] += check.earns
        else:
            result[check.task] -= check.costs
    return {task: round(max(0., value), 2) for task, value in result.items()}
