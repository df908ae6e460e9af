"""What a batch of the tiny CLIP's training is made of."""

import pytest

import train_toy_clip


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
