"""One small file per solver; each lists its ``SOLVERS``, one per language that reaches it."""
