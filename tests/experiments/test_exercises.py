"""Answers to exercises are checked and not told."""

import re

import numpy as np
import pytest
import torch

from book_pages import ROOT
from partclipseg_lite.experiments.exercises import check_answer, digest, exercises

#: Worked out here, away from the package's own functions.
RIGHT = {
    "ex-task-hand": ["beak tail wing".split().index(p) for p in "wing wing tail tail beak".split()],
    "clip-temperature": [np.exp(6) / (np.exp(6) + np.exp(8)), np.exp(8) / (np.exp(6) + np.exp(8))],
    "parts-count": 100 + 1000 + 1,
    "step-background": [(0.2 + 0.2 + 0.05 * 3) / 3, (0.2 + 0.2 + 3) / 3],
    "control-blind": [0, 1 - (1 / 16 + 1 / 16)],
    "scoring-harmonic": [0, 20],
    "real-rounding": [float(np.float32(np.float32(1e8) + 1) - np.float32(1e8)), 1],
}


@pytest.mark.parametrize("exercise", exercises())
def test_the_right_answer_is_right_and_a_near_one_is_not(exercise, capsys):
    assert check_answer(exercise, RIGHT[exercise])
    assert check_answer(exercise, torch.tensor(RIGHT[exercise], dtype=torch.float64))
    assert capsys.readouterr().out == "right\nright\n"
    near = np.asarray(RIGHT[exercise], float) + 2 * 10.0 ** -exercises()[exercise]["digits"]
    assert not check_answer(exercise, near)
    assert capsys.readouterr().out.startswith("not yet; ")


def test_every_exercise_is_one_of_a_chapter_that_names_the_check():
    text = "".join(path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))
    for exercise in exercises():
        assert f":label: {exercise}\\n" in text
        assert f'check_answer(\\"{exercise}\\"' in text


def test_the_file_does_not_give_an_answer_away():
    assert all(re.fullmatch("[0-9a-f]{16}", held["answer"]) for held in exercises().values())


def test_an_unknown_exercise_and_an_answer_in_words_are_refused():
    with pytest.raises(ValueError, match="no exercise 'scoring-harmonics'.*scoring-harmonic"):
        check_answer("scoring-harmonics", 1)
    for answer in ("twenty", ["a"], None, float("nan")):
        with pytest.raises(TypeError, match="an answer is a number or a list of numbers"):
            digest("x", answer)
