"""Process chaos: real programs killed, stopped and cut off while a ledger outside of them keeps what they promised."""
