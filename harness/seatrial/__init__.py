"""Sea trials for existing Flask + SQLAlchemy codebases."""

__version__ = "0.1.0"
