"""The chapters, each executed once in a test run, whoever asks for it first."""

import pytest

import execute_chapters
from book_pages import executed_path, read_notebook


@pytest.fixture(scope="session")
def executed(once):
    """A function: path of a chapter -> its copy with the outputs of this test run.

    Chapters are executed anew in every run, as tests are, but in one only once: facts are compared
    in the same copy that the book shows, in whichever worker.
    """

    def fault_of(chapter):
        went_through, _ = execute_chapters.execute(chapter)
        return "" if went_through else execute_chapters.told(chapter)

    def copy_of(chapter):
        if fault := once(chapter.stem, lambda: fault_of(chapter)):
            pytest.fail(f"{chapter.stem} did not run through:\n{fault}", pytrace=False)
        return read_notebook(executed_path(chapter))

    return copy_of
