"""Page states: authorise, call one service, assign."""
