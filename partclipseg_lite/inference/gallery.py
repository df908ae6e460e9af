"""What the playground offers at first: three models, and drawn pictures chosen by rule."""

from dataclasses import dataclass

from ..datasets.drawn import DrawnWorld
from ..datasets.pick import alone, first, together
from ..datasets.sample import Sample
from ..vocabulary import Vocabulary

#: Shipped weights -> what they are called on the page, in the order of the columns.
MODELS = {
    "toy_clipseg": "CLIPSeg, the baseline",
    "toy_no_attention_control": "PartCLIPSeg without attention control",
    "toy": "PartCLIPSeg with attention control",
}
SHORT = {"toy_clipseg": "baseline", "toy_no_attention_control": "without", "toy": "with control"}
PICTURES, PIXELS = 400, 8  # looked through for each object; of each part, at 128 pixels
TOGETHER = ("dog", "cat")
START = "dog"  # title of the picture that is shown first


@dataclass(frozen=True, eq=False)
class Example:
    """A picture of the gallery.

    Attributes:
        title: its objects.
        kind: "novel" if masks of the parts of one of its objects were never shown, else "seen".
        sample: with its true masks, in ids of the drawn vocabulary.
        names: its objects' parts, to be asked for.
    """

    title: str
    kind: str
    sample: Sample
    names: tuple[str, ...]


def gallery(size: int = 224) -> list[Example]:
    """One picture of each novel object and of two seen ones, and one of two animals.

    Of the test pictures, the first that shows the object alone and every part of it; of the two
    animals, the first that shows both heads and nothing else.
    """
    vocabulary = Vocabulary.load("drawn")
    seen = [obj for obj in ("cat", "bus") if obj not in vocabulary.novel_objects]
    examples = []
    for objects in (*((obj,) for obj in (*vocabulary.novel_objects, *seen)), TOGETHER):
        world = DrawnWorld("test", PICTURES, size, objects=list(objects))
        rule = alone(objects[0], part_pixels=PIXELS)
        if len(objects) > 1:
            rule = together(objects, part="head", share=0.08)
        novel = any(obj in vocabulary.novel_objects for obj in objects)
        names = [f"{obj}'s {part}" for obj in objects for part in vocabulary.parts_of(obj)]
        examples.append(
            Example(
                " and ".join(objects),
                "novel" if novel else "seen",
                first(world, rule)[0],
                tuple(names),
            )
        )
    return examples
