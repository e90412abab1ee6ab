"""All checks of the grader, with their points, in the order in which they are run.

To add one, write a function of (module, passed) in check_sampling.py, check_grads.py or
check_sgd.py, and give it a row here, behind the checks on which it depends. `scheme.Check` says
what a row holds. The function fails by `expect` or `fail`: the first line tells what is wrong,
others are numbers. A check of a fault returns early if the part that it looks at has failed, so is
not in `passed`. It calls only the functions that `settings.FUNCTIONS` names, and functions that it
lets the module call back check shapes before they compute. Then:
- add the part's name in Bulgarian to `reports.BULGARIAN`, unless it is a name from the code;
- add the check to the table of parts in grading.md;
- add a hand-in that fails it to tests/support/faults.py, and put what `as_markdown()` of that file
  returns in place of the table of faults in grading.md;
- run pytest tests/test_fair.py tests/test_tables.py.
"""

from functools import partial

from solutions.grading import check_grads, check_sampling, check_sgd
from solutions.grading.check_grads import BATCHES, SHAPES, SMALL_BATCHES, SMALL_SHAPES
from solutions.grading.scheme import Check
from test import RESULTS

ONE, BATCHED = "lossAndGradient", "lossAndGradientBatched"

CHECKS = [
    Check("3", "createSamplingSequence", check_sampling.sequence, earns=0.5),
    Check("3", "noiseDistribution", check_sampling.noise, earns=0.5),
    Check("3", "sampleContext", check_sampling.negatives, costs=0.25),

    *[Check("4", name, partial(check_grads.result, name, ONE, SHAPES), earns=0.5)
      for name in RESULTS],
    Check("4", "n = 1 or M = 1", partial(check_grads.small_shapes, "4", ONE, SMALL_SHAPES),
          costs=0.25),
    Check("4", "large scores", partial(check_grads.large_scores, "4", ONE, SHAPES),
          costs=0.25),

    *[Check("5", name, partial(check_grads.result, name, BATCHED, BATCHES), earns=0.5)
      for name in RESULTS],
    Check("5", "S = 1 or n = 1", partial(check_grads.small_shapes, "5", BATCHED, SMALL_BATCHES),
          costs=0.25),
    Check("5", "large scores", partial(check_grads.large_scores, "5", BATCHED, BATCHES),
          costs=0.25),
    Check("5", "a loop over S", check_grads.no_loop, costs=1.),
    Check("5", "lossAndGradientCumulative", check_grads.cumulative, costs=0.25),

    Check("6", "U", partial(check_sgd.update, "U"), earns=0.4),
    Check("6", "V", partial(check_sgd.update, "V"), earns=0.4),
    Check("6", "W", partial(check_sgd.update, "W"), earns=0.2),
    Check("6", "step", check_sgd.step_size, earns=0.5),
    Check("6", "repeated words", check_sgd.repeated_words, earns=0.5),
    Check("6", "twice in one context", check_sgd.twice_in_one_context, costs=0.25),
    Check("6", "data as a list or an array", check_sgd.forms_of_data, costs=0.25),
    Check("6", "no shuffling", check_sgd.shuffling, costs=0.5),
    Check("6", "one shuffling for all epochs", check_sgd.shuffled_once, costs=0.25),
    Check("6", "epochs and batches", check_sgd.epochs_and_batches, costs=0.5),
]
