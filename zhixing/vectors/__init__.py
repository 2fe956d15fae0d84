"""Word vectors: files in and out, nearest words, analogies, and how well they agree with people; no torch."""
