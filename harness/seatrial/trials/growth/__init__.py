"""Grow the data under one route and count again: the proof, or the acquittal, of an N+1.

| step | what |
|---|---|
| 1 | ask for the page as it is: which tables it reads, which rows it loads |
| 2 | grow all of these tables together, in every way at once: 2, then 5 copies of each chosen row |
| 3 | where no statement grew, all is said; where one did, grow table by table, up to 11 copies, for the slope |
| 4 | where a page of fixed size hides the growth, leave one row of the table and grow from there |
| 5 | take everything back and compare every table with what it held before |

Each size is measured cold (the app's caches emptied), and warm as well where that makes a difference. `prover` is the
procedure; a `Bench` is where it happens: `bench` inside the host, for routes that only read; `writing` from outside,
with the database restored before each size, for those that write.
"""

from seatrial.trials.growth.bench import prove
from seatrial.trials.growth.writing import prove_writing

__all__ = ["prove", "prove_writing"]
