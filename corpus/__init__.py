"""The corpora, a folder each; from their names to sentences, to a vocabulary, to pairs of words."""
