"""Whole trials: functions that run inside a host, drive the target, and return plain evidence."""
