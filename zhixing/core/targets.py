"""The target that is none: a place whose next token is not to be learnt."""

IGNORED = -100
"""Padding, or another speaker's words; the number that torch's cross_entropy leaves out too."""
