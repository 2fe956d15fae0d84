"""Real checkpoints of other projects, in formats of their own, read into our modules: one file each."""
