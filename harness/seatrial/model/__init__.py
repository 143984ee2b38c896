"""Plain data that every other layer speaks: no imports of ours, nothing that needs Flask or SQLAlchemy."""
