"""What a batch of the tiny CLIP's training is made of, and what is counted of its close-ups."""

import pytest

import measure_toy_clip
import train_toy_clip
from partclipseg_lite.experiments.records import load_record


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.7, 0.875, 1])
def test_close_ups_have_their_share_of_a_batch_and_are_spread_evenly(share):
    chosen = [train_toy_clip.is_close_up(k, share) for k in range(64)]
    for first in range(64):
        for last in range(first + 1, 65):
            # never more than one away from the share, wherever one looks
            assert abs(sum(chosen[first:last]) - share * (last - first)) < 1
    if share == 0.5:
        assert chosen == [True, False] * 32


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--close-ups", "1.5", "no share of a batch"),
        ("--start", "nowhere", "no tiny CLIP at nowhere"),
    ],
)
def test_bad_options_are_refused_before_anything_is_drawn(
    option, value, words, monkeypatch, capsys
):
    monkeypatch.setattr("sys.argv", ["train_toy_clip.py", option, value])
    monkeypatch.setattr(train_toy_clip, "DrawnWorld", None)
    with pytest.raises((SystemExit, FileNotFoundError)) as refused:
        train_toy_clip.main()
    assert words in str(refused.value) + capsys.readouterr().err


def test_close_ups_are_counted_picture_by_picture():
    named = [
        measure_toy_clip.Named(picture, "dog", "head", said, False)
        for picture, said in [(0, "head"), (0, "leg"), (3, "head"), (3, "head"), (0, "tail")]
    ]
    assert measure_toy_clip.by_picture(named) == [[3, 1], [2, 2]]


def test_the_record_of_tiny_clips_agrees_with_itself_and_with_what_ships():
    record = load_record("tiny_clips")
    assert list(record)[0] == "that ships" and len(record) > 1
    for clip in record.values():
        shown, right = map(sum, zip(*clip["close_ups_by_picture"], strict=True))
        assert round(100 * right / shown, 1) == clip["part_close_up"]
    ours = load_record("toy")["clip"]
    # measured once more, on another machine perhaps: a picture or two may fall otherwise
    assert all(abs(record["that ships"][key] - value) <= 0.5 for key, value in ours.items())
