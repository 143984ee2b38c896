"""Smoke after a deployment: wait until it is ready, then see from outside that it is the app, and has its defences.

Needs neither the app nor a database: the standard library asks, the rules judge. Only safe methods are sent, and
requests that must be refused.
"""
