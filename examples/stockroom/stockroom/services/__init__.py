"""What Stockroom does. Nothing in here knows about requests, sessions or templates."""
