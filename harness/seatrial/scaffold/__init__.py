"""What `seatrial init` writes, and how it finds out: by reading the project's files, never by importing them."""
