"""Hostile models and programs against a real agent: what they try, where they try it, and what must hold after."""
