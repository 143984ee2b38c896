"""Webhooks under trial: deliveries that are broken, forged, malformed, reordered, and what they leave."""
