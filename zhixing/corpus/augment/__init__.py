"""More texts to learn from, made of those there are: words of the same meaning, words that sound alike, slips of the hand."""
