"""What the paper minimises: masks at three granularities (Eq. 5), attention control (Eqs. 6-9)."""
