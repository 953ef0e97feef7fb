"""Compiled loops over typed memoryviews."""
