"""Persistence: tables, sessions and the queries on them."""
