"""Quizzes: three questions a chapter, each answer explained, one of them right."""

import quiz
from book_pages import chapters, read_notebook


def test_every_chapter_that_teaches_has_three_questions_of_three_answers():
    teaching = {c.stem for c in chapters()} - {"full_run", "11_your_picture"}
    assert quiz.quizzes().keys() == teaching
    for name, questions in quiz.quizzes().items():
        assert len(questions) == 3, name
        for one in questions:
            texts = [text for text, _ in one["answers"]]
            assert len(set(texts)) == 3 and one["question"].endswith("?"), one
            whys = [why for _, why in one["answers"]]
            assert whys[0].startswith("Right") or len(whys[0]) > 20
            assert not any(why.startswith("Right") for why in whys[1:]), one


def test_the_right_answer_stands_in_every_place():
    places = [
        [right for right, _, _ in quiz.shuffled(one["question"], one["answers"])].index(True)
        for questions in quiz.quizzes().values()
        for one in questions
    ]
    assert set(places) == {0, 1, 2}


def test_a_quiz_comes_before_what_to_read_next():
    chapter = next(c for c in chapters() if c.stem == "07_scoring")
    text = "".join(
        "".join(c["source"]) for c in quiz.with_quiz(read_notebook(chapter), chapter.stem)["cells"]
    )
    assert text.index("## Exercises") < text.index("## Quiz") < text.index(quiz.BEFORE)
    assert text.count(":::{dropdown}") == 9
    assert quiz.with_quiz({"cells": []}, "none") == {"cells": []}
    assert len(quiz.with_quiz({"cells": []}, "07_scoring")["cells"]) == 1
