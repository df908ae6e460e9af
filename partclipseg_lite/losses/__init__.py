"""What the paper minimises.

Masks at three granularities (Eq. 5), attention control (Eqs. 6-9).
"""
