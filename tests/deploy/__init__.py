"""The tests of helm/skerry: what it renders, for every set of values."""
