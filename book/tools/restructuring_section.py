"""The section of book/benchmark.md on a training step before and after the package got its rooms.

    python book/tools/training_time.py 418a365 6e0d7ee     measure again
    python book/tools/benchmark_page.py                    write the page that it is part of

Takes a second, after the measurement.
"""

from markdown_tables import table

OPEN = "to be filled"
#: Commit of the record -> what the page calls it.
TITLES = {"418a365": "before", "6e0d7ee": "after", "working tree": "later changes, too"}

TEXT = """The package was once 28 modules in one folder; now it has rooms, and network and losses
are written as the paper's equations. That must not cost time: the toy model's step before (commit
418a365), after (6e0d7ee), and with the later changes to training. {where}

{ratios}

Each trains in a process of its own from the same start, and they take turns of a few steps, so that
what else the machine does meets all. A ratio is the median over the turns of one reading, with the
range over all of them. The sum of all losses is compared in every step."""


def section(record: dict | None) -> str:
    """The section; without a record every number is "to be filled".

    Args:
        record: what training_time.py wrote.
    """
    header = ["reading", "", "seconds a step", "time / before", "range", "sum of the losses"]
    if record is None:
        return TEXT.format(where=f"Not measured yet: {OPEN}.", ratios=table(header, [[OPEN] * 6]))
    rows = [
        [reading, TITLES.get(name, name), *_cells(found, first=name == next(iter(of_commit)))]
        for reading, of_commit in record["readings"].items()
        for name, found in of_commit.items()
    ]
    where = (
        f"Seconds of one thread's processor time on a core of an {record['hardware']['cpu']}, "
        f"{record['date']}, {record['steps']} steps each; the machine was shared."
    )
    return TEXT.format(where=where, ratios=table(header, rows))


def _cells(found: dict, first: bool) -> list[str]:
    seconds = sorted(found["seconds"])
    median = f"{seconds[len(seconds) // 2]:.2f}"
    if first:
        return [median, "1", "", ""]
    off = found["losses_differ_by"]
    losses = f"differs by {off:.0e} at most" if off else "equal to the last digit"
    return [
        median,
        f"{found['ratio']:.2f}",
        f"{found['lowest']:.2f}–{found['highest']:.2f}",
        losses,
    ]
