"""How near training comes to what this machine's memory and arithmetic allow, and where a batch's time goes."""

import time

from common import machine, np, problem, w2v_sgd, zipf_sentences

M, n, S = 50, 5, 1000


def microseconds(work, rounds=200):
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return np.median(times) * 1e6


def main():
    settings = problem(list(zipf_sentences(300_000, types=19_999)))
    big, square = np.ones(64 << 20, np.float32), np.ones((1000, 1000), np.float32)
    copy = 2 * big.nbytes / microseconds(lambda: big.copy(), 7) / 1e3                   # GB/s
    gemm = 2 * 1000 ** 3 / microseconds(lambda: square @ square, 20) / 1e3              # Gflop/s
    # Per pair: u_w and n+1 rows of V are read and written once; 3 products with M×M, 3 passes over the rows of V.
    moved, flops = 2 * (n + 2) * M * 4, 6 * M ** 2 + 6 * (n + 1) * M
    limit = 1e6 / (moved / copy / 1e3 + flops / gemm / 1e3)                             # pairs/s, one after the other
    begun = time.perf_counter()
    w2v_sgd.stochasticGradientDescend(**settings)
    rate = len(settings["data"]) / (time.perf_counter() - begun)

    print(f"{machine()}\n\n| | |\n|---|---|")
    print(f"| copying | {copy:.1f} GB/s |\n| product of 1000×1000 matrices | {gemm:.0f} Gflop/s |")
    print(f"| a pair moves at least | {moved:,} bytes |\n| and costs | {flops:,} flop |")
    print(f"| so a thread can learn at most | {limit / 1e6:.2f} M pairs/s |")
    print(f"| it does | {rate / 1e6:.2f} M pairs/s, {rate / limit:.0%} |\n")

    U, V, W, q = (settings[name] for name in ("U0", "V0", "W0", "q_noise"))
    rng, loss, draw = np.random.default_rng(0), settings["lossAndGradientFunction"], settings["contextFunction"]
    pairs = rng.permutation(settings["data"])[:32 * S]
    w, c = pairs.T.astype(np.intp)
    context = draw(c, rng)
    (word, place, one_hot), = w2v_sgd._distinct(w[None, :S], U)
    (words, places, one_hots), = w2v_sgd._distinct(context[:S].reshape(1, -1), V)
    u, v = U.take(word, axis=0), V.take(words, axis=0)
    u_w, Vt = u.take(place, axis=0), v.take(places.reshape(S, -1), axis=0)
    q_batch = q.astype(np.float32).take(context[:S])
    h, g = u_w @ W.T, q_batch
    _, du_w, dVt, _ = loss(u_w, Vt, W, q_batch)
    flat = dVt.reshape(-1, M)

    def put():
        U[word], V[words] = u, v

    steps = {"negatives": (lambda: draw(c, rng), 32), "distinct words": (lambda: [
                 list(w2v_sgd._distinct(index.reshape(32, -1), V)) for index in (w, context)], 32),
             "rows of U and V": (lambda: (U.take(word, axis=0), V.take(words, axis=0)), 1),
             "u_w and Vt": (lambda: (u.take(place, axis=0), v.take(places.reshape(S, -1), axis=0)), 1),
             "loss and gradients": (lambda: loss(u_w, Vt, W, q_batch), 1),
             "… three products with M×M": (lambda: (u_w @ W.T, h @ W, h.T @ u_w), 1),
             "… scores and a": (lambda: (np.matmul(Vt, h[:, :, None]), np.matmul(g[:, None, :], Vt)), 1),
             "… dVt": (lambda: np.einsum("sk,sm->skm", g, h), 1),
             "sums of gradients": (lambda: (one_hot @ du_w, one_hots @ flat), 1),
             "writing the rows back": (put, 1)}
    print(f"| step, one at a time, its data at hand | µs a batch of {S} |\n|---|---|")
    for name, (work, batches) in steps.items():
        print(f"| {name} | {microseconds(work, 200 // batches + 5) / batches:.0f} |")
    print(f"| a whole batch in training | {S / rate * 1e6:.0f} |")


if __name__ == "__main__":
    main()
