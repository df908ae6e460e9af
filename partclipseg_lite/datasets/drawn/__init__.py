"""The drawn world: small 3-D sculptures, a software renderer, scenes, and the data set composed of them."""
from .world import SPLITS, DrawnWorld, Item, PartInPicture, Picture, RenderedWorld, kinds
