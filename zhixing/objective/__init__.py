"""What a model is asked to learn; one file each, on one page."""
