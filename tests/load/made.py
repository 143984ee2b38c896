"""Load runs made by hand."""

from seatrial.model.load import Demands, EndpointLoad, Generator, LoadRun, Second

ITEMS = "GET /items/ items.index [anonymous]"


def endpoint(
    *seconds: dict[float, int],
    failed: int = 0,
    subject: str = ITEMS,
    demands: Demands | None = None,
    service: dict[float, int] | None = None,
) -> EndpointLoad:
    """Latencies per second; `failed` in each of them."""
    made = {n: Second(latency, service or latency, failed) for n, latency in enumerate(seconds)}
    answered = sum(sum(second.latency.values()) for second in made.values())
    reasons = {"answered 500": failed * len(seconds)} if failed else {}
    return EndpointLoad(subject, demands or Demands(), made, reasons, answered)


def loaded(*endpoints: EndpointLoad, **generator: object) -> LoadRun:
    offered = sum(e.offered for e in endpoints)
    told = {"lag": {1.0: offered}, "arrivals": offered, "settled": offered, "cpu": {"vm:1": 0.2}, **generator}
    return LoadRun("http://127.0.0.1:8000", endpoints, Generator(**told), rate="50", duration_s=20.0)  # type: ignore[arg-type]
