"""Scores with intervals, one harness for every model."""
