"""The torture suite: kills, damaged files, full disks and senseless inputs, each with a verdict.

`make torture` runs all of it, `test_slice.py` a small slice. One file a concern: `trying` judges,
`stage` holds what the tries work on, `damage` breaks files, `kills`, `full_disk` and the areas of
`pictures`, `words`, `tables`, `runs` and `commands` say what is tried and what would be right.
"""
