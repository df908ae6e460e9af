"""The drawn world: pictures of 22 kinds of objects with exact masks of their parts.

    from drawn_world import World, names
    world = World("train", images=100, size=128, seed=0)
    picture = world[3]
    picture.image                                    # uint8 [128, 128, 3]
    picture.part_map                                 # int16 [128, 128], positions in the next line
    names.OBJECT_PARTS
    [(item.obj, item.colour) for item in picture.items]
    everything = world.render_all(workers=2)         # arrays of all pictures

Needs numpy and Pillow, and knows no model: what learns from these pictures stands elsewhere.
"""

from drawn_world.objects import kinds
from drawn_world.picture import Item, PartInPicture, Picture
from drawn_world.world import SPLITS, Rendered, World

__all__ = ["SPLITS", "Item", "PartInPicture", "Picture", "Rendered", "World", "kinds"]
