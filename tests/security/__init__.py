"""The parts of scripts/security-suite: each module attacks one thing, and says in checks what came of it."""
