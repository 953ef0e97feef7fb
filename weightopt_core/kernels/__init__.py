"""Compiled loops over memory, on one pool of threads. They know nothing of what is above them."""
