"""Deploying: the chart, images, packages. Each module tries one way, and says in checks what came of it."""
