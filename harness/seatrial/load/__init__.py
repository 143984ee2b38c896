"""Load on a running server: an open loop inside locust, and what may be said of what it measured."""
