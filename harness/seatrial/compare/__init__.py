"""The app at a base revision and as it is now, measured in turn in one run."""
