"""The grader's checks of task 6. Each training starts from new random numbers."""

import itertools

import numpy as np

import test as published
from beyond import diagnosis
from beyond.diagnosis import expect_results, fail, find_fault, tolerance_of
from solutions.grading.calls import Fault

ALPHA = 0.3
RNG = np.random.default_rng()
M, n = RNG.integers(4, 7, size=2).tolist()


def check_shapes(u_w, Vt, W, q):
    """Raise ValueError if what a student passes to the gradients does not fit each other.

    Nothing is computed then, since a few bytes could be broadcast to many.
    """
    shapes = tuple(map(np.shape, (u_w, Vt, W, q)))
    S, words, size = shapes[1] if len(shapes[1]) == 3 else (0, 0, 0)
    if shapes != ((S, size), (S, words, size), (size, size), (S, words)):
        raise ValueError(f"u_w, Vt, W, q of the shapes {shapes} do not fit each other")


def separate_gradients(u_w, Vt, W, q):
    """Gradients of U, V and W of which each depends on itself alone.

    So if one of the three is changed wrongly, the others stay right.
    """
    u_w, Vt, W, q = map(np.asarray, (u_w, Vt, W, q))
    return 1., u_w + 1, Vt + q[..., None], W + 1


class Training:
    """What a student's SGD makes of pairs whose context words all have their own negatives.

    Parameters
    ----------
    pairs : list of (w, c)
    contexts : dict from c to [c, c̄_1 …]
    gradients : in place of a loss function of tasks 4 and 5
    in_form : trains by a function of data with pairs: None is `of_list_or_array`
    """

    def __init__(self, w2v_sgd, pairs, contexts, S=1000, epochs=1, alpha=ALPHA,
                 gradients=published.easy_gradients, in_form=None):
        words = 1 + max(max(context) for context in contexts.values())
        sizes = (words, M), (words, M), (M, M)
        self.start = dict(zip("UVW", (RNG.normal(size=size) for size in sizes)))
        self.q_noise = RNG.normal(size=words)
        self.contexts, self.targets, self.alpha = contexts, {c: w for w, c in pairs}, alpha
        self.gradients = gradients

        def context_function(c):
            if c not in contexts:
                fail("contextFunction is called with a word that is c in no pair (w, c)")
            if len(self.visited) >= 10 * len(pairs) * (epochs + 1):
                fail("contextFunction is called far more often than once per pair")
            self.visited.append(int(c))
            return list(contexts[int(c)])

        def loss_function(u_w, Vt, W, q):
            check_shapes(u_w, Vt, W, q)
            self.sizes.append(len(u_w))
            _, *results = gradients(u_w, Vt, W, q)
            return RNG.choice(published.LOSSES), *results       # nothing is to depend on J

        def train(data):
            self.visited, self.sizes = [], []
            return w2v_sgd.stochasticGradientDescend(
                data, *(X.copy() for X in self.start.values()), context_function, loss_function,
                self.q_noise, S, epochs, alpha)

        got = (in_form or of_list_or_array)(train, pairs)
        expect_results("U, V, W", got)
        self.tolerance = tolerance_of(*got)
        self.got = dict(zip("UVW", got))

    def trained(self, batches=1, **how):
        """Return U, V and W after the first batches, or after all if None, as they should be.

        how : alpha and total, for a usual mistake in them: see `published.plain_sgd`
        """
        result, done = self.start.values(), 0
        for size in self.sizes[:batches]:
            contexts = [self.contexts[c] for c in self.visited[done:done + size]]
            result = published.plain_sgd(contexts, self.targets, *result, self.q_noise, size,
                                         gradients=self.gradients, **{"alpha": self.alpha} | how)
            done += size
        return dict(zip("UVW", result))

    def fault(self, name, batches=1):
        """Compare U, V or W with what it should be after some batches: see `find_fault`."""
        mistakes = {"was never changed": self.start[name]}
        for mistake, how in diagnosis.sgd_mistakes(self.alpha, self.sizes[0]).items():
            mistakes[mistake] = lambda how=how: self.trained(batches, **how)[name]
        return find_fault(self.trained(batches)[name], self.got[name], mistakes, self.tolerance)

    def expect(self, name):
        fault = self.fault(name)
        if fault:
            fail(f"{name} {fault[0]}", fault[1])

    def is_along_gradient(self, name):
        """Say whether U, V or W has changed by a multiple of the gradient.

        It must be neither so short nor so long that no usual mistake with α and S leads to it.
        """
        got = diagnosis.numbers(name, self.start[name], self.got[name])
        change = got - self.start[name]
        gradient = self.start[name] - self.trained(alpha=1.)[name]
        factor = np.vdot(gradient, change) / np.vdot(gradient, gradient)
        longest = 2 * self.sizes[0]
        # Relative to what is added; float32 keeps 7 digits of U, V and W themselves.
        difference = np.abs(change - factor * gradient).max()
        is_multiple = difference <= 10 * self.tolerance * np.abs(factor * gradient).max()
        return is_multiple and ALPHA / longest < abs(factor) < longest


def of_list_or_array(train, pairs):
    """Train with pairs as a list or, if that fails, as an array; another check asks for both."""
    try:
        return of_list(train, pairs)
    except Fault as error:
        try:
            return of_array(train, pairs)
        except Fault:
            raise error from None


def of_list(train, pairs):
    return train([tuple(pair) for pair in pairs])


def of_array(train, pairs):
    return train(np.array(pairs))


def one_batch(w2v_sgd, pairs, contexts, alpha=ALPHA):
    """Train with a single batch, of all pairs.

    Where epochs are too few or too many, the last batch is left out, or batches are of one pair,
    which is another check's matter, it is looked for elsewhere.
    """
    N = len(pairs)
    for count, S, epochs in (N, N, 1), (N, N - 1, 1), (N, N, 2), (N, N, 0), (1, 1, 1):
        training = Training(w2v_sgd, pairs[:count], contexts, S, epochs, alpha)
        if len(training.sizes) == 1:
            return training
    fail("lossAndGradientFunction is not called once a batch")


def contexts_of(words, negatives):
    """Draw n different negatives for each context word."""
    orders = RNG.random((len(words), len(negatives))).argsort(axis=1)
    drawn = np.array(negatives)[orders[:, :n]].tolist()
    return {c: [c, *row] for c, row in zip(words, drawn)}


# Each word once: what repeats is another check's.
APART = [(w, 10 + w) for w in range(6)]
CONTEXTS_APART = {c: [c, *range(20 + n * w, 20 + n * (w + 1))] for w, c in APART}


def update(name, w2v_sgd, passed):
    """Check that a step changes U, V or W along its gradient, by whatever factor."""
    training = one_batch(w2v_sgd, APART, CONTEXTS_APART)
    if not training.is_along_gradient(name):
        training.expect(name)


def right_updates(passed):
    """List those of U, V, W that have earned their points; fail if they are fewer than two."""
    names = [name for name in "UVW" if ("6", name) in passed]
    if len(names) < 2:
        fail("not even two of U, V and W are changed as they should")
    return names


def step_size(w2v_sgd, passed):
    """Check the factor, -α, of the updates that are right otherwise."""
    for alpha in ALPHA, 1.:
        training = one_batch(w2v_sgd, APART, CONTEXTS_APART, alpha)
        for name in right_updates(passed):
            training.expect(name)


def repeated_words(w2v_sgd, passed):
    """Check that words which occur in several places of a batch get all of their gradients."""
    targets = [0] * 5 + [1] * 4 + [2] * 2 + [3]     # not all as often
    pairs = [(w, 10 + i) for i, w in enumerate(targets)]
    words = [c for _, c in pairs]
    contexts = contexts_of(words, range(30, 39))
    for c, other in zip(words, words[1:]):          # also as a negative of another context word
        contexts[c][-1] = other
    expect_all_gradients(w2v_sgd, passed, pairs + pairs[:3], contexts)


def twice_in_one_context(w2v_sgd, passed):
    if {("6", "V"), ("6", "repeated words")} <= passed:
        contexts = contexts_of(CONTEXTS_APART, range(30, 39))
        for context in contexts.values():
            context[-1] = context[1]
        expect_all_gradients(w2v_sgd, passed, APART, contexts)


def expect_all_gradients(w2v_sgd, passed, pairs, contexts):
    training = one_batch(w2v_sgd, pairs, contexts)
    for name in right_updates(passed):
        if not training.is_along_gradient(name):
            training.expect(name)


def forms_of_data(w2v_sgd, passed):
    """Check that data may be both; who can handle neither has lost the points already."""
    errors = {}
    for kind, form in ("a list", of_list), ("an array", of_array):
        try:
            Training(w2v_sgd, APART, CONTEXTS_APART, len(APART), in_form=form)
        except Fault as error:
            errors[kind] = str(error)
    if len(errors) == 1 or errors and {("6", name) for name in "UVW"} & passed:
        kind, error = list(errors.items())[-1]
        fail(f"it fails if data is {kind} of pairs; a list and an array must both work", error)


def shuffling(w2v_sgd, passed):
    """Check that no epoch has about the order of data."""
    in_data, orders = orders_of_epochs(w2v_sgd)
    if any(is_like(order, in_data) for order in orders):
        fail(diagnosis.NOT_SHUFFLED)


def shuffled_once(w2v_sgd, passed):
    """Check that each epoch has an order of its own."""
    if ("6", "no shuffling") not in passed:
        return
    _, orders = orders_of_epochs(w2v_sgd)
    if any(is_like(*two) for two in itertools.combinations(orders, 2)):
        fail(diagnosis.SHUFFLED_ONCE)


def orders_of_epochs(w2v_sgd):
    """Return the context words in the order of data, and of each epoch that has no word twice.

    In data each word is in one pair. However many are left out in an epoch is another's matter.
    """
    N, S, epochs = RNG.integers((200, 10, 3), (300, 30, 6)).tolist()
    pairs = [(w % 3, 10 + w) for w in range(N)]
    contexts = contexts_of(range(10, 10 + N), range(10))
    visited = Training(w2v_sgd, pairs, contexts, S, epochs, ALPHA / S).visited
    count = max(1, len(set(visited)))
    orders = [visited[first:first + count] for first in range(0, len(visited), count)]
    return list(contexts), [order for order in orders if len(set(order)) == count]


def is_like(order, other):
    """Tell whether words come at about the same places as in another order, or near the same words.

    In a random order, two words in a row are a third of all places apart in another.
    """
    place_in_other = {c: place for place, c in enumerate(other)}
    places = [place_in_other.get(c, 0) for c in order]
    correlation = np.corrcoef(places, range(len(places)))[0, 1]
    return abs(correlation) > 0.8 or np.abs(np.diff(places)).mean() < len(places) / 4


def epochs_and_batches(w2v_sgd, passed):
    """Check that each epoch goes through each pair once, in batches, one after the other.

    At the end with more pairs than lie between two reports of progress.
    """
    is_right = {("6", "step"), ("6", "repeated words")} <= passed
    for N, S, epochs in ((30, 7, 2), (30, 10, 1), (30, 1, 1), (30, 100, 3), (1600, 1500, 1),
                         (10_500, 500, 2)):
        words = list(range(10, 10 + N))
        contexts = contexts_of(words, range(10))
        pairs = [(c % 3, c) for c in words]
        training = Training(w2v_sgd, pairs, contexts, S, epochs, ALPHA / S, separate_gradients)
        label = f"{N} pairs, batchSize {S}, epochs {epochs}"
        published.expect_epochs(training.visited, words, epochs, S, sum(training.sizes), label)
        sizes = [min(S, N - first) for first in range(0, N, S)] * epochs
        if training.sizes != sizes:
            fail(f"the batches are not of S pairs ({label})",
                 f"their sizes are {training.sizes}, expected {sizes}")
        for name in right_updates(passed) if is_right else "":
            if training.fault(name, batches=None):
                fail(f"{name} is right after one batch, but not after {len(sizes)} ({label}): "
                     "does each go on from the U, V and W of the one before?")
