"""HTTP routes: webhooks, returns, login, exports."""
