"""The corpora, a folder each, and the reading of text."""
