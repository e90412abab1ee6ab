"""Submissions with one fault each: a piece of the student's plain modules exchanged for another."""

# fault: the module, the piece, what stands there instead, the points lost by task, and a part of a reason given
FAULTS = {
    "a missing minus": (
        "grads.py", "dVt = np.outer(g, W @ u_w)", "dVt = -np.outer(g, W @ u_w)",
        {"4": 2}, "dVt has the wrong sign"),
    "no division by S": (
        "grads.py", "g = (sigmoid(score) - delta) / S", "g = sigmoid(score) - delta",
        {"5": 2}, "is not divided by S"),
    "gradients of repeated words lost": (
        "w2v_sgd.py", "np.subtract.at(U, w, alpha * du_w)", "U[w] -= alpha * du_w",
        {"6": 2}, "U lost gradients of words that are repeated"),
    "negatives equal to c": (
        "sampling.py", "if word != contextWord:", "if True:",
        {"3": 1}, "a negative equals the context word"),
    "q without n": (
        "sampling.py", "math.log(negativesCount * count", "math.log(count",
        {"3": 1}, "lacks the factor n"),
    "q without rounding": (
        "sampling.py", "counts = [round(f ** 0.75)", "counts = [(f ** 0.75)",
        {"3": 1}, "lacks the rounding"),
    "batched as a loop": (
        "grads.py", "def lossAndGradientBatched(u_w, Vt, W, q):\n",
        "def lossAndGradientBatched(u_w, Vt, W, q):\n    return lossAndGradientCumulative(u_w, Vt, W, q)\n",
        {"5": 1}, "as fast as cumulative"),
    "overflow at 10³": (
        "grads.py", "    J = softplus(-score[0]) + softplus(score[1:]).sum()",
        "    J = np.log(1 + np.exp(-score[0])) + np.log(1 + np.exp(score[1:])).sum()",
        {"4": 1}, "expected finite numbers, came inf"),
    "W never updated": (
        "w2v_sgd.py", "            W -= alpha * dW\n", "",
        {"6": 2}, "W was never changed"),
    "one epoch too few": (
        "w2v_sgd.py", "range(epochs)", "range(epochs - 1)",
        {"6": 2}, "ask for 60 contexts, not 30"),
    "transposed dW": (
        "grads.py", 'dW = np.einsum("sm,st->mt",', 'dW = np.einsum("sm,st->tm",',
        {"5": 2}, "dW of lossAndGradientBatched is transposed"),
    "float32 only": (
        "grads.py", "    delta = np.zeros(len(q))\n",
        "    u_w, Vt, W, q = (np.float32(X) for X in (u_w, Vt, W, q))\n    delta = np.zeros(len(q), np.float32)\n",
        {"4": 2}, "as if computed in float32"),
    "the last batch left out": (
        "w2v_sgd.py", "range(0, len(data), batchSize)", "range(0, len(data) - batchSize + 1, batchSize)",
        {"6": 2}, "ask for 30 contexts, not 28"),
    "no shuffling": (
        "w2v_sgd.py", "np.random.permutation(len(data))", "np.arange(len(data))",
        {"6": 1}, "the pairs come in the order of data"),
}
