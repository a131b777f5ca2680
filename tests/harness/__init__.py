"""Starts real Skerry processes on loopback, for the end-to-end tests, the quickstart and the benchmarks."""
