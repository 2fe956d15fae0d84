"""Text to ids and back: bytes, characters, words, BPE, WordPiece, Unigram."""
