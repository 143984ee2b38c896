"""Business logic that has been moved out of the views so far."""
