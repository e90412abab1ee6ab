"""What the course's utils offers to its run.py, in plain loops."""

import numpy as np


def extractDictionary(corpus, limit=20000):
    counts = {}
    for sentence in corpus:
        for word in sentence:
            counts[word] = counts.get(word, 0) + 1
    words = sorted(counts, key=counts.get, reverse=True)[:limit]
    word2ind = {words[i]: i for i in range(len(words))}
    return words, word2ind, [counts[word] for word in words]


def extractWordContextPairs(corpus, windowSize, word2ind):
    data = []
    for sentence in corpus:
        for i, word in enumerate(sentence):
            for j in range(max(0, i - windowSize), min(len(sentence), i + windowSize + 1)):
                if i != j and word in word2ind and sentence[j] in word2ind:
                    data.append((word2ind[word], word2ind[sentence[j]]))
    return data


def SVD_k_dim(X, k):
    U, s, _ = np.linalg.svd(X)
    return U[:, :k] * s[:k]
