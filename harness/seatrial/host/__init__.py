"""Host processes: the only ones that import the app under trial, and the client that drives them."""
