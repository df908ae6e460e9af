"""The command line: segment, export, train, evaluate, score, experiments and more.

Each command's help has an example.
"""

import argparse
import functools
import json
import os
import platform
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. This is the one boundary at which errors become words.

    What goes wrong ends with one line on stderr and exit code 2; with PARTCLIPSEG_TRACEBACK=1 in
    the environment, with Python's traceback. Ctrl-C ends with 130; a reader that has heard enough
    (`| head`) with 141 and no word.
    """
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
        sys.stdout.flush()  # a full disk shows here, not after the last line of Python
    except KeyboardInterrupt:
        _end(f"partclipseg_lite {args.command}: stopped", 130)
    except BrokenPipeError:
        _end("", 141)
    except Exception as error:
        if os.environ.get("PARTCLIPSEG_TRACEBACK", "0") not in ("", "0"):
            raise
        _end(f"partclipseg_lite {args.command}: {_in_one_line(error)}", 2)


#: Errors that our own code and the system word for people; the others come from the depths.
WORDED = (ValueError, TypeError, OSError, FloatingPointError, ImportError)


def _in_one_line(error: Exception) -> str:
    """What `error` says, without line breaks and not endless."""
    said = " ".join(str(error).split())[:2000]
    if isinstance(error, MemoryError):
        return f"there is not enough memory for this {f'({said})' if said else ''}".rstrip()
    if isinstance(error, WORDED) and said:
        return said
    kind = type(error).__name__
    return f"{kind}{f': {said}' if said else ''} (PARTCLIPSEG_TRACEBACK=1 shows where)"


def _end(line: str, code: int) -> None:
    """Say `line` and leave; what a stdout that takes nothing was still to write is dropped."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    if line:
        print(line, file=sys.stderr)
    sys.exit(code)


def _whole_number(text: str) -> int:
    """As people write numbers; Python's `int` would also take 1_000 and 010."""
    if not re.fullmatch(r"-?(0|[1-9][0-9]{0,30})", text):
        raise argparse.ArgumentTypeError(f"expected a whole number such as 100, got {text!r}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m partclipseg_lite", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run, summary: str, example: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example: {example}",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.set_defaults(run=run)
        return command

    allow = "fetch the CLIP that the weights file names, if it is not on this machine"
    segment = add(
        "segment",
        _segment,
        "Find named parts in a picture, or in all pictures of a folder; write masks. A folder's "
        "command takes up what was stopped, and `accelerate launch -m partclipseg_lite segment "
        "...` shares it. Exit code 1: some files could not be segmented, see OUT/skipped.json.",
        "python -m partclipseg_lite segment dog.png "
        '--names "dog\'s head" "dog\'s tail" --out found',
    )
    segment.add_argument("image", type=Path, metavar="IMAGE|FOLDER")
    names = segment.add_mutually_exclusive_group(required=True)
    names.add_argument("--names", nargs="+", metavar="NAME", help='such as "dog\'s head"')
    names.add_argument(
        "--names-file", type=Path, metavar="FILE", help="one name a line; # begins a comment"
    )
    segment.add_argument(
        "--format",
        choices=("png", "coco"),
        default="png",
        help="a black and white PNG for each name, or one JSON with COCO's run lengths "
        "(default: png)",
    )
    segment.add_argument(
        "--no-overlay",
        action="store_true",
        help="of a folder's pictures: no coloured overlays, which take longer than masks",
    )
    segment.add_argument(
        "--weights",
        default="toy",
        help="a shipped name, a file, a run's folder, an official .pth, or "
        "Hugging Face's CLIPSeg by name or folder, hf:owner/name (default: toy)",
    )
    segment.add_argument("--allow-download", action="store_true", help=allow)
    segment.add_argument(
        "--out",
        type=Path,
        default=Path("segmentation"),
        help="folder to write (default: segmentation)",
    )

    export = add(
        "export",
        _export,
        "Write a model as ONNX, with a table of embedded words: masks by onnxruntime alone.",
        "python -m partclipseg_lite export --weights toy --out parts.onnx --half",
    )
    export.add_argument(
        "--weights", required=True, help="as those of segment: a shipped name, a file, a folder, …"
    )
    export.add_argument("--allow-download", action="store_true", help=allow)
    export.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE.onnx",
        help="the graph; FILE.words.npz, the table of words, is written beside it",
    )
    export.add_argument(
        "--half", action="store_true", help="store weights in half precision: half the size"
    )
    export.add_argument(
        "--names",
        nargs="+",
        metavar="NAME",
        help="object parts for the table (default: all names that ship, and a tiny CLIP's "
        "whole dictionary)",
    )
    export.add_argument(
        "--text",
        action="store_true",
        help="for other words later: also FILE.text.onnx and FILE.tokenizer.json",
    )

    train = add(
        "train",
        _train,
        "Train a preset; the same command takes up a run that was stopped.",
        "python -m partclipseg_lite train --preset toy --set training.steps=500 --output runs/mine",
    )
    train.add_argument("--preset", required=True)
    train.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="key=value",
        dest="assignments",
        action="extend",
        help="such as training.steps=500; of a key given twice the last counts",
    )
    train.add_argument("--output", type=Path, help="the run's folder (default: runs/PRESET)")
    train.add_argument(
        "--evaluate",
        action="store_true",
        help="then score the test pictures and write metrics.json, as full_run.ipynb does",
    )

    evaluate = add(
        "evaluate",
        _evaluate,
        "Score weights on a dataset: Oracle-Obj, Pred-All and plain mIoU.",
        "python -m partclipseg_lite evaluate --weights toy --dataset drawn "
        "--images 100 --json scores.json",
    )
    evaluate.add_argument("--weights", required=True)
    evaluate.add_argument("--allow-download", action="store_true", help=allow)
    evaluate.add_argument(
        "--dataset",
        required=True,
        help="'drawn', or a folder in the layout of Pascal-Part-116, ADE20K-Part-234 or "
        "PartImageNet",
    )
    evaluate.add_argument(
        "--split", default="test", help="drawn: test, validation, shifted or train (default: test)"
    )
    evaluate.add_argument(
        "--seed", type=_whole_number, default=0, help="drawn: other pictures for another seed"
    )
    evaluate.add_argument(
        "--images",
        type=_whole_number,
        default=400,
        help="drawn: how many pictures (default: 400)",
    )
    evaluate.add_argument(
        "--predictions",
        type=Path,
        metavar="DIR",
        help="write the label maps there too, for `score`; pictures that have theirs are not "
        "predicted again",
    )
    evaluate.add_argument(
        "--scores",
        action="store_true",
        help="with --predictions: write how probable each chosen label was held, too, as 8-bit "
        "PNGs in DIR/scores",
    )
    evaluate.add_argument("--json", type=Path, required=True, help="file to write")

    score = add(
        "score",
        _score,
        "Score stored predictions, ours or anybody's, with several evaluators; no photograph is "
        "needed.",
        "python -m partclipseg_lite score --predictions predictions "
        "--dataset datasets/PascalPart116 --evaluator ov_parts released --json scores.json",
    )
    score.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="DIR",
        help="DIR/SETTING/NAME.png, or DIR/NAME.png for one setting, with the ids of the dataset's "
        "label files and their ignore value for background",
    )
    score.add_argument(
        "--dataset", required=True, help="'drawn', or the folder of a dataset's label files"
    )
    score.add_argument(
        "--split", help="default: that of predictions by `evaluate`; else test, or val if there"
    )
    for name, what in (("seed", "the seed"), ("images", "the number"), ("size", "the side")):
        score.add_argument(
            f"--{name}",
            type=_whole_number,
            help=f"drawn: {what} of the pictures (default: that of predictions by `evaluate`)",
        )
    score.add_argument(
        "--evaluator",
        nargs="+",
        action="extend",
        metavar="NAME",
        dest="evaluators",
        help="ours, plain, released, released_first, ov_parts (default: all of them)",
    )
    score.add_argument("--json", type=Path, required=True, help="file to write")

    compare = add(
        "compare-released",
        _compare_released,
        "Recompute the recorded numbers of the public release; exit 1 if one deviates by more than "
        "is allowed, or is not there to be compared.",
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
    # A process that measures one peak is called with it.
    benchmark.add_argument("--peak-of", metavar="ITEM", help=argparse.SUPPRESS)

    experiments = add(
        "experiments",
        _experiments,
        "List the trainings that the results page needs (done in the folder of runs, shipped with "
        "the package, or missing), or run what the folder does not hold: trained, scored, kept in "
        "a folder each. Stopped at any moment, the same command goes on; several machines can "
        "share the folder.",
        "python -m partclipseg_lite experiments run --only 'toy*'",
    )
    experiments.add_argument(
        "what", choices=("list", "run", "ship"), help="ship: put what is new into the package"
    )
    experiments.add_argument(
        "--only", default="*", metavar="PATTERN", help="such as 'toy*' or 'gamma_0.1-seed0'"
    )
    experiments.add_argument(
        "--work",
        type=Path,
        default=Path("runs/experiments"),
        metavar="DIR",
        help="folder of runs (default: runs/experiments)",
    )
    experiments.add_argument(
        "--jobs",
        type=_whole_number,
        default=2,
        metavar="N",
        help="processes, of one thread each (default: 2)",
    )

    doctor = add(
        "doctor",
        _doctor,
        "Check the installation: versions, shipped weights, one forward pass; or a dataset's "
        "folder: counts, masks, ids, lists (exit 1 if there are errors).",
        "python -m partclipseg_lite doctor datasets/PascalPart116",
    )
    doctor.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help="a dataset's folder to check"
    )
    return parser


def _segment(args: argparse.Namespace) -> None:
    from .datasets.images import read_image
    from .files import check_folder
    from .inference.names_file import NamesFile
    from .inference.segmenter import PartSegmenter
    from .inference.sharing import Share
    from .vocabulary import Vocabulary

    check_folder(args.out)
    file = args.names_file and NamesFile.read(args.names_file)
    check = file.check if file else lambda check: check(args.names)
    check(Vocabulary.from_names)
    image = None if args.image.is_dir() else read_image(args.image)
    share = Share()
    segmenter = PartSegmenter.from_pretrained(
        args.weights, share.device, allow_download=args.allow_download
    )
    check(segmenter.encode_names)
    asked = segmenter.encode_names(file.names if file else args.names)
    if image is None:
        _segment_folder(args, segmenter, asked, share)
    elif share.is_first:
        _segment_image(args, segmenter, asked, image)


def _segment_image(args: argparse.Namespace, segmenter, asked, image: np.ndarray) -> None:
    from .inference.folder import write_coco
    from .inference.saving import OVERLAY, save_masks

    result = segmenter(image, asked)
    if args.format == "coco":
        files = dict.fromkeys((*result.names, OVERLAY), write_coco(result, args.image, args.out))
    else:
        files = save_masks(result, args.out)
    for name, mask in result.masks.items():
        print(
            f"{name:32s} score {result.scores[name]:.2f}  "
            f"{100 * mask.mean():5.1f} % of the picture  {files[name]}"
        )
    print(f"{'all':32s} {files[OVERLAY]}")


def _segment_folder(args: argparse.Namespace, segmenter, asked, share) -> None:
    from .inference.folder import segment_folder

    outcome = segment_folder(
        segmenter,
        args.image,
        asked,
        args.out,
        format=args.format,
        overlays=not args.no_overlay,
        share=share,
    )
    if outcome is None:  # another process speaks
        return
    for path, reason in list(outcome.skipped.items())[:20]:
        print(f"skipped {_printable(path)}: {_printable(reason)}")
    if len(outcome.skipped) > 20:
        print(f"... {len(outcome.skipped) - 20} more in {args.out / 'skipped.json'}")
    print(
        f"{outcome.segmented} pictures segmented, {outcome.before} had been before, "
        f"{len(outcome.skipped)} skipped, {len(outcome.others)} other files; masks in {args.out}"
    )
    if outcome.skipped:
        sys.exit(1)


def _printable(text: str) -> str:
    """`text` without line breaks and without what no terminal can show, as in some file names."""
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def _export(args: argparse.Namespace) -> None:
    from .inference.export import export_model

    exported = export_model(
        args.weights,
        args.out,
        half=args.half,
        names=args.names,
        text=args.text,
        allow_download=args.allow_download,
    )
    for check in exported.checks:
        print(check)
    print(f"{exported.words} words are in the table")
    for file in exported.files:
        print(f"{file.stat().st_size / 1e6:8.1f} MB  {file}")


def _train(args: argparse.Namespace) -> None:
    from .files import check_folder
    from .inference.sharing import Share
    from .settings import Settings, parse_overrides

    overrides = parse_overrides(args.assignments)
    settings = Settings.from_preset(args.preset, overrides)
    output = args.output or Path("runs") / args.preset
    check_folder(output)
    begun, share = time.time(), Share()
    if args.evaluate:
        from .experiments.run import Run

        last = Run(settings, output, overrides=overrides).finish()["last_loss"]
    else:
        from .training.loop import train

        _, log = train(settings, output)
        last = log[-1] if log else {}
    if share.is_first:
        print(
            f"{settings.training.steps} steps, last mean loss "
            f"{last.get('total', float('nan')):.4f}, {time.time() - begun:.0f} s; weights in "
            f"{output / 'weights.safetensors'}"
            + (f", scores in {output / 'metrics.json'}" if args.evaluate else "")
        )


def _evaluate(args: argparse.Namespace) -> None:
    from .datasets.folders import open_dataset
    from .evaluation.class_means import HEADLINES
    from .evaluation.evaluate import evaluate
    from .evaluation.predictions import PredictionWriter, pictures_of
    from .evaluation.scoring import classes_in_words, in_words
    from .files import check_folder, check_writable, write_whole
    from .inference.sharing import Share
    from .weights.files import digest_of
    from .weights.models import load_model

    check_writable(args.json)
    if args.scores and args.predictions is None:
        raise ValueError("--scores goes with --predictions DIR, the folder to write them into")
    if args.predictions is not None:
        check_folder(args.predictions)
    model, settings, _, _ = load_model(args.weights, allow_download=args.allow_download)
    share = Share()
    if args.dataset == "drawn" and Path(args.dataset).exists() and share.is_first:
        print(
            "note: 'drawn' names the drawn world; for the folder here write './drawn'",
            file=sys.stderr,
        )
    drawn = {"images": args.images, "size": settings.data.size, "seed": args.seed}
    samples = open_dataset(args.dataset, args.split, **drawn)
    writer = None
    if args.predictions is not None:
        of = {"weights": digest_of(model.state_dict(), {}), "settings": settings.hash()}
        of |= pictures_of(samples)
        writing = functools.partial(
            PredictionWriter,
            args.predictions,
            samples.names,
            samples.vocabulary,
            of,
            scores=args.scores,
        )
        if share.is_first:  # it owns the folder before the others write into it
            writer = writing()
        share.from_first(None)
        writer = writer or writing(owner=False)
    model.to(share.device)
    results = evaluate(model, samples, samples.vocabulary, progress=True, predictions=writer)
    if not share.is_first:
        return
    results |= {
        "weights": str(args.weights),
        "dataset": args.dataset,
        "split": args.split,
        "seed": args.seed,
    }
    args.json.parent.mkdir(parents=True, exist_ok=True)
    write_whole(args.json, json.dumps(results, indent=1))
    for setting in ("oracle_obj", "pred_all", "plain"):
        means = "  ".join(f"{k} {in_words(results[setting], k)}" for k in HEADLINES)
        print(f"{setting:11s} mIoU {means}")
    print(f"with 95 % intervals over {results['images']} pictures; ", end="")
    print(classes_in_words(results["plain"]))
    print(f"wrote {args.json}")


def _score(args: argparse.Namespace) -> None:
    from .evaluation.predictions import StoredPredictions, open_labels_of
    from .evaluation.scoring import as_table, classes_in_words, score
    from .files import check_writable, write_whole
    from .release.evaluator import EVALUATORS

    check_writable(args.json)
    names = list(dict.fromkeys(args.evaluators or EVALUATORS))
    if unknown := [name for name in names if name not in EVALUATORS]:
        raise ValueError(f"unknown evaluator {unknown[0]!r} (known: {', '.join(EVALUATORS)})")
    drawn = {"images": args.images, "size": args.size, "seed": args.seed}
    labels = open_labels_of(args.predictions, args.dataset, args.split, drawn)
    predictions = StoredPredictions(args.predictions, labels.names, labels.vocabulary)
    results = score(predictions, labels, {n: EVALUATORS[n] for n in names}, progress=True)
    print(as_table(results))
    first = next(iter(results["evaluators"].values()))
    print(f"mIoU with 95 % intervals over {results['images']} pictures; ", end="")
    print(classes_in_words(next(iter(first.values()))))
    results |= {
        "predictions": str(args.predictions),
        "dataset": args.dataset,
        "split": labels.split,
    }
    args.json.parent.mkdir(parents=True, exist_ok=True)
    write_whole(args.json, json.dumps(results, indent=1))
    print(f"wrote {args.json}")


def _experiments(args: argparse.Namespace) -> None:
    from .experiments.plan import jobs
    from .experiments.queue import is_done, run_in_processes, run_missing, seconds_needed
    from .experiments.records import load_record, recorded_trainings
    from .files import check_folder

    if args.what == "ship":
        from .experiments.ship import ship

        print("\n".join(ship(args.work)))
        return
    if args.jobs < 1:
        raise ValueError(f"--jobs must be at least 1, got {args.jobs}")
    chosen = jobs(args.only)
    if args.what == "list":
        recorded = recorded_trainings(load_record("toy"))
        for job in chosen:
            # A stage has no scores; its weights ship.
            ships = job.name in recorded or not job.experiment.scored
            elsewhere = "shipped" if ships else "missing"
            print(f"{'done' if is_done(job, args.work) else elsewhere:8s} {job.name}")
    minutes = seconds_needed(chosen, args.work, args.jobs) / 60
    missing = sum(not is_done(job, args.work) for job in chosen)
    told = os.environ.get("PARTCLIPSEG_ESTIMATE_TOLD")
    if not told:
        print(
            f"{missing} of {len(chosen)} trainings are not in {args.work}: an estimated "
            f"{minutes:.0f} min in {args.jobs} processes",
            flush=True,
        )
    if args.what == "list" or not missing:
        return
    check_folder(args.work)
    if args.jobs == 1:
        run_missing(chosen, args.work, say=lambda line: print(line, flush=True))
    else:
        os.environ["PARTCLIPSEG_ESTIMATE_TOLD"] = "1"
        run_in_processes(args.only, args.work, args.jobs)


def _compare_released(args: argparse.Namespace) -> None:
    from .release.comparison import compare_released, shipped_reference

    agreed = absent = total = 0
    for row in compare_released(args.reference or shipped_reference()):
        print(row, flush=True)
        total, agreed, absent = total + 1, agreed + row.agrees, absent + (not row.compared)
    exceeded = total - agreed - absent
    print(
        f"{agreed} of {total} comparisons agree with the release"
        + (f"; {absent} of {total} not compared" if absent else "")
        + (f"; {exceeded} exceed what is allowed" if exceeded else "")
    )
    if agreed < total:
        sys.exit(1)


def _benchmark(args: argparse.Namespace) -> None:
    from .files import check_writable
    from .release.benchmark import peak_here, run

    if args.json:
        check_writable(args.json)
    if args.peak_of:
        print(peak_here(args.size, args.peak_of))
    else:
        run(args.size, args.items, not args.no_memory, args.json)


def _check_dataset(folder: Path) -> None:
    from .datasets.check import as_table, check_dataset

    findings = check_dataset(folder, progress=sys.stderr.isatty())
    print(as_table(findings))
    if any(finding.level == "error" for finding in findings):
        sys.exit(1)


def _doctor(args: argparse.Namespace) -> None:
    if args.folder is not None:
        _check_dataset(args.folder)
        return
    from . import __version__
    from .experiments.versions import complaints, installed_versions

    print(f"python {platform.python_version()} on {platform.system()}")
    print(f"partclipseg_lite {__version__}")
    installed = installed_versions()
    for package in ("torch", "torchvision", "open-clip-torch", "accelerate", "numpy", "pillow"):
        print(f"{package} {installed.get(package, 'is not installed')}")
    unfit = complaints(installed)
    for line in unfit:
        print(line, flush=True)  # before the imports that it warns of
    import torch

    from .inference.segmenter import PartSegmenter
    from .weights.locate import SHIPPED
    from .weights.models import load_model
    from .weights.tiny_clip import load_toy_clip

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
            f"{len(vocabulary or ())} seen object parts"
        )
    begun = time.time()
    PartSegmenter.from_pretrained("toy")(np.zeros((64, 64, 3), np.uint8), ["dog's head"])
    print(f"one forward pass: {time.time() - begun:.1f} s with loading")
    if unfit:
        print(f"{len(unfit)} versions are known not to work, see above")
        sys.exit(1)
    print("all is well")
