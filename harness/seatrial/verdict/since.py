"""What of a run's findings a base revision already had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from seatrial.model.findings import Finding
from seatrial.model.outcomes import State
from seatrial.model.result import Judged
from seatrial.verdict import baseline


def known_there(judged: Sequence[Judged], base: Iterable[Finding], *, renames: Mapping[str, str]) -> list[Judged]:
    """The findings in their order, known where the baseline or the base has them.

    Both lists are held against all findings, and not one against what the other left: two equal ones that are listed
    and three at the base make three known ones, not five.
    """
    there = list(base)
    counts = Counter((finding.fingerprint, finding.subject) for finding in there)
    firsts = {(finding.fingerprint, finding.subject): finding for finding in reversed(there)}
    listed = baseline.Baseline().replacing(
        baseline.Entry.of(finding, count=counts[key], reason="at the base") for key, finding in firsts.items()
    )
    applied = baseline.apply(listed, [one.finding for one in judged], baseline.Finished(), renames=renames)
    return [
        Judged(one.finding, State.KNOWN if State.KNOWN in (one.state, at_base.state) else State.NEW)
        for one, at_base in zip(judged, applied.judged, strict=True)
    ]
