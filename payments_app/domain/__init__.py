"""What a payment is: money, statuses, kinds and reasons. Standard library only."""
