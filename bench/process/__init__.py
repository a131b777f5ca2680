"""Benchmarks of real processes on loopback, one function each; bench/run has the table of them."""
