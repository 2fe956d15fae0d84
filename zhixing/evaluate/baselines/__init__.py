"""What writes a target without a network: a dictionary, the nearest pair that was seen, a sentence of the source itself."""
