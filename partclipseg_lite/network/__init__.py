"""The networks as the paper means them.

Read `backbone`, `decoder`, `models` in this order.
"""
