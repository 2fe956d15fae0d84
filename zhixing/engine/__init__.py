"""Generation: requests in, token events out."""
