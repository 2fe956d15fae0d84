"""Word vectors learnt from text: skip-gram and CBOW with negative sampling."""
