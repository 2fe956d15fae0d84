"""Tests of zhixing; the folders mirror the package."""
