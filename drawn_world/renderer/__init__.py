"""How things are drawn: sculptures of simple solids, a camera, materials and light.

The renderer knows nothing of objects or scenes. In short:

    sculpture = Sculpture()
    sculpture.ellipsoid((0, 0.5, 0), (1, 0.5, 0.3), Material((200, 40, 40)), "body")
    layer = render(sculpture, Camera(yaw=30, pitch=10, scale=40, centre=(48, 60)), size=96)
    colour, alpha, part_index = layer.shrink()
"""

from drawn_world.renderer.render import Layer, render
from drawn_world.renderer.sculpture import NO_PART, NOTHING, Camera, Sculpture, rotation
from drawn_world.renderer.shading import Light, Material, noise, smoothstep, waves

__all__ = [
    "NOTHING",
    "NO_PART",
    "Camera",
    "Layer",
    "Light",
    "Material",
    "Sculpture",
    "noise",
    "render",
    "rotation",
    "smoothstep",
    "waves",
]
