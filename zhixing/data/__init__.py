"""Documents to rows of tokens: memory-mapped shards, packing, shuffled order, exact cursors."""
