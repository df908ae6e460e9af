"""The table of departures tells of every option what the code says of it."""

import inspect
import re

from partclipseg_lite.figures.departures import departures_table
from partclipseg_lite.reading import BUNDLES, Reading
from partclipseg_lite.release.departures import DEPARTURES


def test_every_option_has_a_row_with_both_values_its_lines_and_the_words_of_its_class():
    lines = str(departures_table()).splitlines()[2:]
    assert len(lines) == len(Reading.model_fields)
    for line, option in zip(lines, Reading.model_fields, strict=True):
        name, paper, released, does, where = (
            cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]
        )
        assert (name, paper) == (f"`{option}`", Reading.model_fields[option].default)
        assert released == BUNDLES["released"][option]
        assert re.fullmatch(r"(([MPDT]|\w+\.py):\d+(-\d+)?(, )?)+", where), where
        assert " ".join(inspect.getdoc(DEPARTURES[option]).split()) == f"{where}. {does}"
