"""What the assignment asks for: its tasks, modules, functions and numbers; and other presets."""

TASKS = {"3": "sampling.py", "4": "grads.py, one observation", "5": "grads.py, a batch",
         "6": "w2v_sgd.py"}
FUNCTIONS = {           # of each module
    "sampling": ("createSamplingSequence", "noiseDistribution", "sampleContext"),
    "grads": ("lossAndGradient", "lossAndGradientCumulative", "lossAndGradientBatched"),
    "w2v_sgd": ("stochasticGradientDescend",),
}
MODULES = tuple(f"{name}.py" for name in FUNCTIONS)
METHODS = {"batched": "lossAndGradientBatched", "cumulative": "lossAndGradientCumulative"}

# What the results of a run depend on, besides its corpus, with what the assignment says of it. Only
# the start and the falling step size are this project's; `run.py --init uniform --schedule
# constant` has those of the course.
ASSIGNMENT = {
    "method": "batched",
    "seed": 0,
    "dim": 50,                  # M
    "window": 3,
    "negatives": 5,             # n
    "vocabulary": 20000,        # L
    "batch_size": 1000,         # S
    "epochs": 1,
    "alpha": 1.0,
    "schedule": "linear",
    "init": "unigram",
    "pairs": None,              # all
}

ASSIGNED_LOSS = 2.4         # what the assignment asks for on its corpus

# What each preset has instead; the best one is measured in benchmarks/README.md.
PRESETS = {
    "assignment": {},
    "best": {"epochs": 3, "alpha": 0.5, "init": "spectral"},
}


def linear_decay(alpha):
    """Return the schedule that lowers the step size from alpha to 0 over the work of a run."""
    return lambda share_done: alpha * (1 - share_done)


SCHEDULES = {"linear": linear_decay, "constant": float}
