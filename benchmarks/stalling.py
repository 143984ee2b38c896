"""A small app that stalls: with STALL_SECONDS=1 nothing is answered during the first second of every STALL_PERIOD.

    gunicorn -w 2 -b 127.0.0.1:8901 benchmarks.stalling:app

The stall follows the clock of the machine, so that all workers stall together. SERVICE_MS stands for a database call.
"""

import os
import time

from flask import Flask, Response, jsonify

STALL_SECONDS = float(os.environ.get("STALL_SECONDS", "0"))
STALL_PERIOD = float(os.environ.get("STALL_PERIOD", "10"))
SERVICE_MS = float(os.environ.get("SERVICE_MS", "5"))

app = Flask(__name__)


@app.before_request
def stall() -> None:
    phase = time.monotonic() % STALL_PERIOD
    if phase < STALL_SECONDS:
        time.sleep(STALL_SECONDS - phase)


@app.get("/ping")
def ping() -> Response:
    return jsonify(ok=True)


@app.get("/item/<int:number>")
def item(number: int) -> Response:
    time.sleep(SERVICE_MS / 1000)
    return jsonify(id=number, rows=[{"i": i, "v": i * number} for i in range(20)])
