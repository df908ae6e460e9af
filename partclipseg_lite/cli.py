"""The command line: segment, train, evaluate, compare-released, benchmark, doctor.

Each command's help has an example.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import numpy as np


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command.

    Mistakes of the user end with one line on stderr and exit code 2, not with a traceback.
    """
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        print(f"partclipseg_lite {args.command}: {error}", file=sys.stderr)
        sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m partclipseg_lite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run, summary: str, example: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example: {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    segment = add(
        "segment",
        _segment,
        "Find named parts in one picture; write a mask for each and an overlay.",
        'python -m partclipseg_lite segment dog.png --names "dog\'s head" "dog\'s tail" --out found',
    )
    segment.add_argument("image", type=Path, metavar="IMAGE")
    segment.add_argument(
        "--names", nargs="+", required=True, metavar="NAME", help='such as "dog\'s head"'
    )
    segment.add_argument(
        "--weights",
        default="toy",
        help="a shipped name, a file, a run's folder, an official .pth, or "
        "Hugging Face's CLIPSeg by name or folder (default: toy)",
    )
    segment.add_argument(
        "--out",
        type=Path,
        default=Path("segmentation"),
        help="folder to write (default: segmentation)",
    )

    train = add(
        "train",
        _train,
        "Train a preset; the same command takes up a run that was stopped.",
        "python -m partclipseg_lite train --preset toy --set training.steps=500 --output runs/mine",
    )
    train.add_argument("--preset", required=True)
    train.add_argument(
        "--set", nargs="+", default=[], metavar="key=value", dest="assignments", action="extend"
    )
    train.add_argument("--output", type=Path, help="the run's folder (default: runs/PRESET)")

    evaluate = add(
        "evaluate",
        _evaluate,
        "Score weights on a dataset: Oracle-Obj, Pred-All and plain mIoU.",
        "python -m partclipseg_lite evaluate --weights toy --dataset drawn --images 100 --json "
        "scores.json",
    )
    evaluate.add_argument("--weights", required=True)
    evaluate.add_argument(
        "--dataset", required=True, help="'drawn', or a folder in the Pascal-Part layout"
    )
    evaluate.add_argument(
        "--split", default="test", help="drawn: test, validation, shifted or train (default: test)"
    )
    evaluate.add_argument(
        "--seed", type=int, default=0, help="drawn: other pictures for another seed"
    )
    evaluate.add_argument(
        "--images", type=int, default=400, help="drawn: how many pictures (default: 400)"
    )
    evaluate.add_argument("--json", type=Path, required=True, help="file to write")

    compare = add(
        "compare-released",
        _compare_released,
        "Recompute the recorded numbers of the public release; exit 1 if one deviates by more than "
        "is allowed.",
        "python -m partclipseg_lite compare-released",
    )
    compare.add_argument(
        "--reference",
        type=Path,
        metavar="DIR",
        help="another folder in the form of the shipped one, partclipseg_lite/data/released",
    )

    benchmark = add(
        "benchmark",
        _benchmark,
        "Measure time and memory, beside Hugging Face's CLIPSeg on the same weights.",
        "python -m partclipseg_lite benchmark --json benchmark.json",
    )
    benchmark.add_argument("--json", type=Path, metavar="FILE", help="file to write")
    benchmark.add_argument(
        "--size",
        choices=("full", "small"),
        default="full",
        help="small: tiny networks (default: full)",
    )
    benchmark.add_argument(
        "--items", default="*", metavar="PATTERN", help="only items that fit, such as 'training/*'"
    )
    benchmark.add_argument(
        "--no-memory",
        action="store_true",
        help="do not run each item again in a process of its own",
    )
    benchmark.add_argument(
        "--peak-of", metavar="ITEM", help=argparse.SUPPRESS
    )  # what such a process is called with

    add(
        "doctor",
        _doctor,
        "Check the installation: versions, shipped weights, one forward pass.",
        "python -m partclipseg_lite doctor",
    )
    return parser


def _segment(args: argparse.Namespace) -> None:
    from .datasets.images import read_image
    from .inference.saving import OVERLAY, save_masks
    from .inference.segmenter import PartSegmenter

    image = read_image(args.image)
    result = PartSegmenter.from_pretrained(args.weights)(image, args.names)
    files = save_masks(result, args.out)
    for name, mask in result.masks.items():
        print(
            f"{name:32s} score {result.scores[name]:.2f}  {100 * mask.mean():5.1f} % of the "
            f"picture  {files[name]}"
        )
    print(f"{'all':32s} {files[OVERLAY]}")


def _train(args: argparse.Namespace) -> None:
    from .settings import Settings, parse_overrides
    from .training.loop import train

    settings = Settings.from_preset(args.preset, parse_overrides(args.assignments))
    output = args.output or Path("runs") / args.preset
    begun = time.time()
    _, log = train(settings, output)
    last = log[-1] if log else {}
    print(
        f"{settings.training.steps} steps, last mean loss {last.get('total', float('nan')):.4f}, "
        f"{time.time() - begun:.0f} s; weights in {output / 'weights.safetensors'}"
    )


def _evaluate(args: argparse.Namespace) -> None:
    import torch

    from .datasets.drawn import DrawnWorld
    from .datasets.pascal_part_116 import CLASSES, PascalPart
    from .evaluation.evaluate import evaluate
    from .files import write_whole
    from .weights.models import load_model

    model, settings, _, _ = load_model(args.weights)
    if args.dataset == "drawn":
        samples = DrawnWorld(
            args.split, images=args.images, size=settings.data.size, seed=args.seed, objects="all"
        )
    else:  # without a list of its classes, a folder is the original archive
        folder = Path(args.dataset)
        samples = PascalPart(
            folder, args.split, None if (folder / CLASSES).is_file() else "pascal_part_116"
        )
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    results = evaluate(model, samples, samples.vocabulary, progress=True)
    results |= {
        "weights": str(args.weights),
        "dataset": args.dataset,
        "split": args.split,
        "seed": args.seed,
    }
    args.json.parent.mkdir(parents=True, exist_ok=True)
    write_whole(args.json, json.dumps(results, indent=1))
    for setting in ("oracle_obj", "pred_all", "plain"):
        # None: no picture shows a part of this kind
        r = {
            k: "  n/a" if v is None else f"{v:5.2f}"
            for k, v in results[setting].items()
            if not isinstance(v, dict)
        }
        print(
            f"{setting:11s} mIoU seen {r['seen']}  unseen {r['unseen']}  harmonic {r['harmonic']}  "
            " "
            f"recall unseen {r['recall_unseen']}   boundary IoU unseen {r['boundary_iou_unseen']}"
        )
    print(f"wrote {args.json}")


def _compare_released(args: argparse.Namespace) -> None:
    from .release.comparison import compare_released, shipped_reference

    exceeded = total = 0
    for row in compare_released(args.reference or shipped_reference()):
        print(row, flush=True)
        total, exceeded = total + 1, exceeded + (not row.agrees)
    print(
        f"{total - exceeded} of {total} comparisons agree with the release"
        + (f"; {exceeded} exceed what is allowed" if exceeded else "")
    )
    if exceeded:
        sys.exit(1)


def _benchmark(args: argparse.Namespace) -> None:
    from .release.benchmark import peak_here, run

    if args.peak_of:
        print(peak_here(args.size, args.peak_of))
    else:
        run(args.size, args.items, not args.no_memory, args.json)


def _doctor(args: argparse.Namespace) -> None:
    from . import __version__
    from .inference.segmenter import PartSegmenter
    from .weights.locate import SHIPPED
    from .weights.models import load_model
    from .weights.tiny_clip import load_toy_clip

    print(f"python {platform.python_version()} on {platform.system()}")
    print(f"partclipseg_lite {__version__}")
    for package in ("torch", "open_clip_torch", "accelerate", "numpy", "pillow"):
        print(f"{package} {metadata.version(package)}")
    import torch

    cpu = f"CPU, {torch.get_num_threads()} threads"
    print(f"device: {torch.cuda.get_device_name() if torch.cuda.is_available() else cpu}")
    clip, tokenizer, measured = load_toy_clip()
    print(
        f"tiny CLIP: {sum(p.numel() for p in clip.parameters()) / 1e6:.2f} M parameters, "
        f"{len(tokenizer.words)} words, "
        f"novel objects named rightly {measured.get('object_novel')} %"
    )
    for name in SHIPPED:
        model, settings, vocabulary, _ = load_model(name)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        print(
            f"weights {name!r}: {type(model).__name__}, {trained / 1e6:.2f} M trained, "
            f"{len(vocabulary)} seen object parts"
        )
    begun = time.time()
    PartSegmenter.from_pretrained("toy")(np.zeros((64, 64, 3), np.uint8), ["dog's head"])
    print(f"one forward pass: {time.time() - begun:.1f} s with loading\nall is well")
