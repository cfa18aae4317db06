"""Commands, each run with ``python -m payments_app.cli.<name>``."""
