"""Renderers of a result: terminal, JSON, JUnit. Each reads `model.result.Result`; none decides anything."""
