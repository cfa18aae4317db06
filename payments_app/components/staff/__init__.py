"""The staff's workspace."""
