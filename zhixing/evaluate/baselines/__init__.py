"""What a model has to beat: of labels (labels.py); of targets a dictionary, the nearest pair, a piece of the source."""
