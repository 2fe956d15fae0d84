"""What the native code of word2vec (word2vec.c) has room for on the stack of a thread; reading it needs no torch."""

MOST_WIDTH = 4096
MOST_NEGATIVE = 63
