"""The section on GPUs of book/benchmark.md, from its record; no number on it was typed.

    python book/tools/benchmark_page.py           write the page that it is part of

Takes a second.
"""

from markdown_tables import table
from partclipseg_lite.release.gpu import BATCHES

COMMAND = "python -m partclipseg_lite benchmark --items 'gpu/*' --json FILE"
NOT_MEASURED = "not measured"
#: Training step -> most memory that it should take, in GB; least share of the roofline.
MEMORY = {"pascal_part_116": 16, "ade20k_part_234": 24}
SHARE = 0.6

TEXT = """Training steps as in the paper's settings: ViT-B/16 at 352x352, the whole vocabulary,
attention control, bf16, clipping and AdamW, random weights; a step is the median of twenty, and the
measurement waits for the GPU only before the first and after the last.

```bash
{command}
```

{where}

{steps}

Where a step's time goes, in milliseconds by the GPU's own clock; "decoder and losses" is their
forward pass:

{stages}

**Roofline.** The matrix products of encoder (forward) and decoder (forward and backward), counted
as `torch.utils.flop_counter` does, over the time of the whole step: beside the bf16 rate that a
large product reaches on the same card, and beside the data sheet's. CLIPSeg's decoder is 64 wide,
so most of its products wait for memory, not for arithmetic, and no implementation that keeps their
results in memory could come near either rate. The last column takes that into account: each product
needs at least its operations over the measured rate, and at least the bytes that it reads and
writes over the measured bandwidth of a copy; the sum of these times over the time of the step.
Activation functions, norms and losses are in the step and not in the sum. With `recompute` what is
computed twice is counted twice.

{shares}

`PartSegmenter` with all names of a vocabulary, pictures of 375x500:

{segment}"""


def steps() -> list[tuple[str, str]]:
    """The training steps: (item, vocabulary)."""
    return [
        (f"gpu/{vocabulary}/batch {batch}{again}", vocabulary)
        for vocabulary, batch in BATCHES.items()
        for again in ("", ", recompute")
    ]


def section(record: dict | None) -> str:
    """The section; without a record every number is "not measured".

    Args:
        record: what the command wrote.
    """
    items = record["items"] if record else {}
    return TEXT.format(
        command=COMMAND,
        where=_where(record),
        steps=table(
            ["training step", "ms", "images/s", "GB in use", "GB reserved", "target", ""],
            [_step(name, vocabulary, items.get(name)) for name, vocabulary in steps()],
        ),
        stages=_stages(items),
        shares=table(
            [
                "training step",
                "TFLOP",
                "of measured rate",
                "of data sheet",
                "of roofline",
                "target",
                "",
            ],
            [_share(name, items.get(name)) for name, _ in steps()],
        ),
        segment=table(
            ["vocabulary", "images/s", "GB in use"],
            [_segment(name, items.get(f"gpu/{name}/segment")) for name in BATCHES],
        ),
    )


def _where(record: dict | None) -> str:
    if record is None:
        return "**Not measured** yet: no machine with a GPU has written a record."
    there, card = record["hardware"], record["items"].get("gpu/card")
    rates = (
        f" A large bf16 product reached {card['matmul_flops'] / 1e12:.0f} TFLOP/s, a copy "
        f"{card['copy_bytes'] / 1e12:.2f} TB/s (read and written)."
        if card
        else ""
    )
    return (
        f"Measured on {there['gpu']} ({there['gpu_gb']:.0f} GB, driver {there['driver']}, CUDA "
        f"{there['cuda']}, torch {there['torch']}), {record['date']}.{rates}"
    )


def _step(name: str, vocabulary: str, item: dict | None) -> list[str]:
    most = None if name.endswith("recompute") else MEMORY.get(vocabulary)
    target = f"at most {most} GB" if most else ""
    if item is None:
        return [name, NOT_MEASURED, "", "", "", target, ""]
    used = item["peak_mb"] / 1e3
    verdict = "" if most is None else "met" if used <= most else "**missed**"
    return [
        name,
        f"{1e3 * item['seconds']:.1f}",
        f"{item['images_per_second']:.0f}",
        f"{used:.1f}",
        f"{item['reserved_mb'] / 1e3:.1f}",
        target,
        verdict,
    ]


def _stages(items: dict) -> str:
    measured = [(name, items[name]["stages"]) for name, _ in steps() if name in items]
    if not measured:
        return "Not measured."
    stages = list(measured[0][1])
    return table(
        ["training step", *stages],
        [[name, *(f"{1e3 * found[stage]:.1f}" for stage in stages)] for name, found in measured],
    )


def _share(name: str, item: dict | None) -> list[str]:
    target = "" if name.endswith("recompute") else f"at least {SHARE:.0%}"
    if item is None:
        return [name, NOT_MEASURED, "", "", "", target, ""]
    rates = item["share_of_flops"]
    return [
        name,
        f"{sum(item['flops'].values()) / 1e12:.2f}",
        f"{rates['measured']:.1%}",
        f"{rates['datasheet']:.1%}" if "datasheet" in rates else "",
        f"{item['share_of_roofline']:.1%}",
        target,
        ("met" if item["share_of_roofline"] >= SHARE else "**missed**") if target else "",
    ]


def _segment(vocabulary: str, item: dict | None) -> list[str]:
    if item is None:
        return [vocabulary, NOT_MEASURED, ""]
    return [vocabulary, f"{item['images_per_second']:.1f}", f"{item['peak_mb'] / 1e3:.1f}"]
