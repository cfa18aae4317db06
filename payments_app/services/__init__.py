"""What the portal does: checkout, settlement, webhooks, sweep, accounts, reports, live feed."""
