"""Renderers of a result, one module a format. Each reads `model.result.Result`; none decides anything."""
