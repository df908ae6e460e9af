"""Names of object parts, and every index map between the three granularities.

An *object-specific part* ("dog's head") belongs to one *object* ("dog") and to one *generalized
part* ("head", shared by all heads). Everything else in the package works with integers; the maps
from one list of names to another are built here, once, so that no other module can get an offset
wrong.

    T object-specific parts   object_parts[t] = "dog's head"     part_of[t], object_of[t]
    P generalized parts       parts[p]        = "head"           alphabetical
    O objects                 objects[o]      = "dog"            order of the object labels
"""

from __future__ import annotations

import difflib
import hashlib
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import islice
from types import MappingProxyType

import ftfy
import regex
import torch

from drawn_world import names as drawn_names

SEPARATOR = "'s "
MAX_WORDS = 100  # far beyond CLIP's 77 tokens: such a "name" is a text passed by mistake
MAX_CHARACTERS = 1000  # likewise
MAX_NAMES = 100_000  # at once; whatever gives more is endless, or should be asked in portions
APOSTROPHES = "’‘‛′‵`´ʹʻʼʽˈˊˋ΄᾽᾿＇｀ꞌꞋ❛❜׳՚\u0092"  # read as '
INVISIBLE = (
    "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_PLAIN = str.maketrans({**dict.fromkeys(APOSTROPHES, "'"), **dict.fromkeys(INVISIBLE)})
# How CLIP's tokenizer (open_clip's SimpleTokenizer) cuts a text into pieces.
_PIECE = regex.compile(
    r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
)


@lru_cache(maxsize=1)
def _data() -> dict:
    text = (
        resources.files("partclipseg_lite")
        .joinpath("data/vocabularies.json")
        .read_text(encoding="utf-8")
    )
    drawn = {
        "ignore_label": 255,
        "objects": drawn_names.OBJECTS,
        "novel_objects": drawn_names.NOVEL_OBJECTS,
        "object_parts": drawn_names.OBJECT_PARTS,
    }
    return {"drawn": drawn, **json.loads(text)}


def available() -> tuple[str, ...]:
    """Names that `Vocabulary.load` knows."""
    return tuple(name for name in _data() if name != "synonyms")


def shipped_facts(name: str) -> Mapping:
    """What else ships about a vocabulary, such as PartImageNet's super-classes and ImageNet ids.

    Raises:
        KeyError: `name` is none of `available()`.
    """
    return MappingProxyType(_data()[name])


def _synonyms(drawn: Mapping[str, tuple[str, ...]], kind: str) -> Mapping[str, tuple[str, ...]]:
    """The words of the drawn world, and those for names that only the real datasets have."""
    further = {name: tuple(words) for name, words in _data()["synonyms"][kind].items()}
    return MappingProxyType({**drawn, **further})


#: canonical name -> words people use instead of it
OBJECT_SYNONYMS: Mapping[str, tuple[str, ...]] = _synonyms(drawn_names.OBJECT_SYNONYMS, "objects")
PART_SYNONYMS: Mapping[str, tuple[str, ...]] = _synonyms(drawn_names.PART_SYNONYMS, "parts")


def tidy_name(name, what: str = "a part name") -> str:
    """One written name as it is kept and shown: plain apostrophes, single spaces, composed letters.

    >>> tidy_name("  dog’s   head")
    "dog's head"

    Raises TypeError for anything but a string, and ValueError for an empty name, control
    characters, and more than 100 words or 1000 characters; the message holds the value.
    """
    if not isinstance(name, str):
        raise TypeError(f"{what} must be a string, got {name!r} ({type(name).__name__})")
    if len(name) > 10 * MAX_CHARACTERS:  # nothing is done with an endless text
        raise ValueError(_too_long(what, name, f"{len(name)} characters", MAX_CHARACTERS))
    cleaned = unicodedata.normalize("NFC", str(name)).translate(_PLAIN)
    cleaned = re.sub(r" (?='[sS] )", "", " ".join(cleaned.split()))  # "dog 's head"
    if not cleaned:
        raise ValueError(f'{what} is empty ({name!r}); write something like "dog\'s head"')
    strange = () if cleaned.isprintable() else (unicodedata.category(c) for c in cleaned)
    strange = next(
        (c for c, kind in zip(cleaned, strange, strict=False) if kind in ("Cc", "Cs")), None
    )
    if strange:
        raise ValueError(f"{what} has the control character {strange!r}: {name!r}; leave it out")
    words = cleaned.count(" ") + 1
    if words > MAX_WORDS:
        raise ValueError(_too_long(what, cleaned, f"{words} words", MAX_WORDS))
    if len(cleaned) > MAX_CHARACTERS:
        raise ValueError(_too_long(what, cleaned, f"{len(cleaned)} characters", MAX_CHARACTERS))
    return cleaned


def _too_long(what: str, name: str, length: str, most: int) -> str:
    return f"{what} has {length}, at most {most} are allowed: {name[:40]!r}…"


def name_key(name: str) -> str:
    """What two spellings of one name share: the pieces that CLIP's tokenizer reads, in lower case.

    >>> name_key("Dog’s  HEAD") == name_key("dog's head")
    True

    Raises as `tidy_name`.
    """
    return _key(tidy_name(name))


@lru_cache(maxsize=2 * MAX_NAMES)
def _key(tidied: str) -> str:
    text = tidied
    if not (text.isascii() and "&" not in text):  # open_clip's cleaning, which leaves others alone
        text = html.unescape(html.unescape(ftfy.fix_text(text)))
    return " ".join(_PIECE.findall(text.lower()))


def split_name(name: str) -> tuple[str, str]:
    """Split an object-specific part name, however it is written, at its last "'s ".

    >>> split_name("chest of drawers’s door")
    ('chest of drawers', 'door')

    Raises:
        TypeError: it is no string.
        ValueError: either half is missing.
    """
    if isinstance(name, str) and not name.strip():
        raise ValueError(_no_object_part(name))
    return _split(tidy_name(name))


@lru_cache(maxsize=MAX_NAMES)
def _split(tidied: str) -> tuple[str, str]:
    at = max(tidied.rfind("'s "), tidied.rfind("'S "))
    halves = (tidied[:at], tidied[at + len(SEPARATOR) :]) if at >= 0 else ("", "")
    for half in halves:
        if not any(unicodedata.category(c)[0] in "LNSM" for c in re.sub("'[sS]", "", half)):
            raise ValueError(_no_object_part(tidied))
    return halves


def _no_object_part(name: str) -> str:
    return (
        f"{name!r} is not the name of an object part: write the object, 's, a space and the part, "
        'for example "dog\'s head"'
    )


class ByName(dict):
    """A dict whose keys are names, found however they are written: `scores["dog’s Head"]`."""

    def __missing__(self, name):
        known = {_key(key): key for key in self}
        try:
            return super().__getitem__(known[name_key(name)])
        except (KeyError, TypeError, ValueError):
            raise KeyError(not_among(name, self)) from None

    def __contains__(self, name) -> bool:
        try:
            self[name]
        except KeyError:
            return False
        return True

    def get(self, name, default=None):
        """The value of `name`, or `default`."""
        return self[name] if name in self else default


def not_among(name, names: Iterable[str]) -> str:
    """A sentence for a name that is not there, with the near ones."""
    return f"{name!r} is not one of the {len(tuple(names))} names{_did_you_mean(str(name), names)}"


def _did_you_mean(name: str, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(choices), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""


def _meant(word: str, synonyms: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The canonical names that have `word` among their synonyms."""
    return [known for known, words in synonyms.items() if _key(word) in map(_key, words)]


def _check_unique(names: Iterable[str | int], what: str) -> None:
    met: dict[str | int, str | int] = {}
    for name in names:  # or ids
        key = name_key(name) if isinstance(name, str) else name
        if key in met:
            also = "" if met[key] == name else f", first as {met[key]!r}: CLIP reads both alike"
            raise ValueError(f"{what} {name!r} is listed twice{also}; list each name once")
        met[key] = name


def _check_unmarked(names: Iterable[str]) -> None:
    for name in names:
        if "of_text>" in (key := _key(name)) and re.search("<(start|end)_of_text>", key):
            raise ValueError(f"{name!r} holds a mark that CLIP ends or begins texts with; leave it")


def _at_most(names: Iterable, most: int) -> list:
    """The names as a list; an endless source is left after `most`."""
    names = list(islice(names, most + 1))
    if len(names) > most:
        raise ValueError(f"more than {most} names are too many; ask for fewer at a time")
    return names


LARGEST_ID = 65535  # what a label file of 16 bits can hold


def _checked_table(contents) -> dict:
    """The arguments of `Vocabulary._build` from a table that a file held.

    Entries besides the two lists of names may be absent.
    """
    known = ("name", "objects", "object_parts", "novel_objects", "ids", "object_ids")
    known += ("ignore_label",)
    if not isinstance(contents, Mapping):
        raise ValueError(f"expected a table of names and ids, got {str(contents)[:60]!r}")
    for key in contents:
        if key not in known:
            raise ValueError(f"unknown entry {key!r}{_did_you_mean(str(key), known)}")
    table = {"name": "from a file", "novel_objects": [], "ignore_label": 255, **contents}
    if not isinstance(table["name"], str):
        raise ValueError(f"name is {table['name']!r}, expected a string")
    for key in ("objects", "object_parts", "novel_objects"):
        names = table.get(key)
        if not isinstance(names, list | tuple) or not all(isinstance(n, str) for n in names):
            raise ValueError(f"{key} is {str(names)[:60]!r}, expected a list of names")
        if not names and key != "novel_objects":
            raise ValueError(f"{key} is empty, expected at least one name")
        if not all(name.strip() for name in names):
            raise ValueError(f"{key} holds an empty name")
        _check_unique(names, f"in {key}, the name")
    known_objects = set(map(name_key, table["objects"]))
    for full in table["object_parts"]:
        if name_key(obj := split_name(full)[0]) not in known_objects:
            raise ValueError(
                f"object_parts holds {full!r}, but objects holds no {obj!r}"
                f"{_did_you_mean(obj, table['objects'])}"
            )
    for obj in table["novel_objects"]:
        if name_key(obj) not in known_objects:
            raise ValueError(
                f"novel_objects holds {obj!r}, but objects does not"
                f"{_did_you_mean(obj, table['objects'])}"
            )
    ignored = table["ignore_label"]
    if type(ignored) is not int or not 0 <= ignored <= LARGEST_ID:
        raise ValueError(
            f"ignore_label is {ignored!r}, expected a whole number from 0 to {LARGEST_ID}"
        )
    for key, names in (("ids", "object_parts"), ("object_ids", "objects")):
        ids = table.get(key)
        if ids is None:
            ids = list(range(len(table[names])))
        if not isinstance(ids, list | tuple) or len(ids) != len(table[names]):
            what = f"{len(ids)} ids" if isinstance(ids, list | tuple) else repr(str(ids)[:60])
            raise ValueError(
                f"{key} is {what}, expected one for each of {len(table[names])} {names}"
            )
        for position, i in enumerate(ids):
            if type(i) is not int or not 0 <= i <= LARGEST_ID or i == ignored:
                raise ValueError(
                    f"{key}[{position}] is {i!r}, expected a whole number from 0 to {LARGEST_ID} "
                    f"other than ignore_label {ignored}"
                )
        if repeated := [i for i, count in Counter(ids).items() if count > 1]:
            raise ValueError(f"in {key}, the id {repeated[0]!r} is listed twice; list each id once")
    return table


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """A list of object-specific parts in label order, with its index maps.

    Build one with `load`, `from_names`, or from another one with `seen_only`, `unseen_only`,
    `restrict`. Do not write into the tensors.

    Attributes:
        name: for people; not part of equality.
        objects: the O object names in label order, objects without parts included.
        object_parts: the T names such as "dog's head" in label order.
        parts: the P generalized part names, alphabetical, only those used.
        part_of: index into `parts`, `int64 [T]`.
        object_of: index into `objects`, `int64 [T]`.
        seen: masks of this object part are shown in training, `bool [T]`.
        seen_object: the object is not one of the novel ones, `bool [O]`.
        seen_part: generalized part of at least one seen object part, `bool [P]`.
        ids: label ids in the full vocabulary this one was restricted from, `int64 [T]`.
        object_ids: the same for objects, `int64 [O]`.
        ignore_label: value that means "no part" in label files of this vocabulary.
    """

    name: str
    objects: tuple[str, ...]
    object_parts: tuple[str, ...]
    seen_object: torch.Tensor
    object_of: torch.Tensor
    ids: torch.Tensor
    object_ids: torch.Tensor
    ignore_label: int = 255
    parts: tuple[str, ...] = field(init=False)
    part_of: torch.Tensor = field(init=False)
    seen: torch.Tensor = field(init=False)
    seen_part: torch.Tensor = field(init=False)

    def __post_init__(self):
        shown: dict[str, str] = {}  # one part however it is written: as it is written first
        for full in self.object_parts:
            part = _split(full)[1]
            shown.setdefault(_key(part), part)
        parts = tuple(sorted(shown.values()))
        position = {_key(part): p for p, part in enumerate(parts)}
        part_of = torch.tensor(
            [position[_key(_split(full)[1])] for full in self.object_parts], dtype=torch.long
        )
        seen = self.seen_object[self.object_of]  # [T]
        seen_part = torch.zeros(len(parts), dtype=torch.bool)
        seen_part[part_of[seen]] = True
        for key, value in {
            "parts": parts,
            "part_of": part_of,
            "seen": seen,
            "seen_part": seen_part,
            "_index": {_key(name): t for t, name in enumerate(self.object_parts)},
            "_object_index": {_key(obj): o for o, obj in enumerate(self.objects)},
        }.items():
            object.__setattr__(self, key, value)

    # ---- building --------------------------------------------------------------------------------

    @classmethod
    def _build(
        cls,
        name,
        objects,
        object_parts,
        novel_objects=(),
        ignore_label=255,
        ids=None,
        object_ids=None,
    ):
        objects = [tidy_name(obj, "an object name") for obj in objects]
        object_parts = [tidy_name(full) for full in object_parts]
        _check_unique(objects, "object")
        _check_unique(object_parts, "part name")
        position = {name_key(obj): o for o, obj in enumerate(objects)}
        object_of = [position[_key(split_name(full)[0])] for full in object_parts]
        novel = set(map(name_key, novel_objects))
        return cls(
            name=name,
            objects=tuple(objects),
            object_parts=tuple(object_parts),
            seen_object=torch.tensor(
                [name_key(obj) not in novel for obj in objects], dtype=torch.bool
            ),
            object_of=torch.tensor(object_of, dtype=torch.long),
            ids=torch.as_tensor(range(len(object_parts)) if ids is None else ids, dtype=torch.long),
            object_ids=torch.as_tensor(
                range(len(objects)) if object_ids is None else object_ids, dtype=torch.long
            ),
            ignore_label=ignore_label,
        )

    @classmethod
    def load(cls, name: str) -> Vocabulary:
        """One of the vocabularies shipped with the package.

        Raises:
            ValueError: `name` is none of `available()`.
        """
        if not isinstance(name, str) or name not in available():
            raise ValueError(
                f"unknown vocabulary {name!r}{_did_you_mean(str(name), available())} "
                f"Available: {', '.join(available())}"
            )
        facts = _data()[name]
        return cls._build(
            name,
            facts["objects"],
            facts["object_parts"],
            facts["novel_objects"],
            facts["ignore_label"],
        )

    @classmethod
    def from_names(
        cls,
        names: Iterable[str] | Mapping[str, Iterable[str]],
        *,
        seen_objects: Iterable[str] = (),
        name: str = "free words",
    ) -> Vocabulary:
        """A vocabulary of free words, in the order given.

        Args:
            names: a list such as ["dog's head", "dog's tail"], or a mapping such as
                {"dog": ["head", "tail"]}.
            seen_objects: objects that count as seen; all others count as unseen.
            name: of the vocabulary, for people.

        Raises:
            TypeError: something is not a string; the message holds the value.
            ValueError: an empty list, an empty name, a name without "'s ", a name given twice
                (also in two spellings that CLIP reads alike), a name of more than 100 words, or
                more than 100,000 names; the message holds the value.
        """
        if isinstance(names, (str, bytes)):
            raise TypeError(
                f"names must be a list of part names, got the single {type(names).__name__} "
                f"{names!r}; write [{names!r}]"
            )
        if isinstance(names, Mapping):
            full_names = []
            for obj, parts in names.items():
                obj = tidy_name(obj, "an object name")
                if isinstance(parts, (str, bytes, Mapping)) or not isinstance(parts, Iterable):
                    raise TypeError(f"the parts of {obj!r} must be a list of names, got {parts!r}")
                parts = _at_most(parts, MAX_NAMES - len(full_names))
                if not parts:
                    raise ValueError(
                        f"the list of parts of {obj!r} is empty; give at least one part"
                    )
                full_names += [f"{obj}{SEPARATOR}{tidy_name(part)}" for part in parts]
        elif isinstance(names, Iterable):
            full_names = [tidy_name(full) for full in _at_most(names, MAX_NAMES)]
        else:
            raise TypeError(f"names must be a list or a mapping of part names, got {names!r}")
        if not full_names:
            raise ValueError(
                'the list of part names is empty; give at least one, for example ["dog\'s head"]'
            )
        _check_unmarked(full_names)
        objects: dict[str, str] = {}  # one object however it is written: as it is written first
        for full in full_names:
            obj = _split(full)[0]
            objects.setdefault(_key(obj), obj)
        if isinstance(seen_objects, (str, bytes)):
            raise TypeError(f"seen_objects must be a list of names, got {seen_objects!r}")
        seen = {_key(tidy_name(obj, "an object name")) for obj in _at_most(seen_objects, MAX_NAMES)}
        novel = [obj for key, obj in objects.items() if key not in seen]
        return cls._build(name, list(objects.values()), full_names, novel)

    def _select(self, name: str, keep: torch.Tensor, keep_object: torch.Tensor) -> Vocabulary:
        """Keep the object parts [T] and objects [O] marked True, in the present order."""
        objects = [self.objects[o] for o in keep_object.nonzero().flatten().tolist()]
        return Vocabulary(
            name=name,
            objects=tuple(objects),
            object_parts=tuple(self.object_parts[t] for t in keep.nonzero().flatten().tolist()),
            seen_object=self.seen_object[keep_object],
            object_of=(keep_object.long().cumsum(0) - 1)[self.object_of[keep]],
            ids=self.ids[keep],
            object_ids=self.object_ids[keep_object],
            ignore_label=self.ignore_label,
        )

    def _keep_parts(self, name: str, keep: torch.Tensor) -> Vocabulary:
        keep_object = torch.zeros(len(self.objects), dtype=torch.bool)
        keep_object[self.object_of[keep]] = True
        return self._select(name, keep, keep_object)

    def seen_only(self) -> Vocabulary:
        """What training knows: the seen object parts and the seen objects that have parts."""
        return self._keep_parts(f"{self.name}, seen", self.seen)

    def unseen_only(self) -> Vocabulary:
        """The parts of the novel objects, and these objects."""
        return self._keep_parts(f"{self.name}, unseen", ~self.seen)

    def asked(self) -> Vocabulary:
        """What a network is asked for: the same object parts, and the objects that have parts.

        These stand alphabetically. The order of the words matters for the released reading only,
        which reads some embeddings from wrong rows.
        """
        kept = self._keep_parts(self.name, torch.ones(len(self), dtype=torch.bool))
        order = torch.tensor(
            sorted(range(len(kept.objects)), key=lambda o: kept.objects[o]), dtype=torch.long
        )
        return Vocabulary(
            name=self.name,
            objects=tuple(kept.objects[o] for o in order.tolist()),
            object_parts=kept.object_parts,
            seen_object=kept.seen_object[order],
            object_of=order.argsort()[kept.object_of],
            ids=kept.ids,
            object_ids=kept.object_ids[order],
            ignore_label=self.ignore_label,
        )

    def restrict(self, names: Iterable[str]) -> Vocabulary:
        """Only these object parts and their objects.

        Both stand in label order, whatever the order of `names`.

        Raises:
            TypeError: `names` is a single string.
            ValueError: an empty list, a repeated name, or an unknown one (with close names).
        """
        if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
            raise TypeError(f"names must be a list of part names, got {names!r}")
        names = _at_most(names, MAX_NAMES)
        if not names:
            raise ValueError("the list of part names is empty; give at least one")
        _check_unique(names, "part name")
        keep = torch.zeros(len(self), dtype=torch.bool)
        keep[[self.index(name) for name in names]] = True
        return self._keep_parts(f"{self.name}, {len(names)} parts", keep)

    # ---- looking up ------------------------------------------------------------------------------

    @property
    def objects_with_parts(self) -> tuple[str, ...]:
        """Names of the objects that have parts, in label order."""
        with_parts = set(self.object_of.tolist())
        return tuple(obj for o, obj in enumerate(self.objects) if o in with_parts)

    @property
    def novel_objects(self) -> tuple[str, ...]:
        """Objects whose parts have no masks in training, in label order."""
        return tuple(
            obj
            for obj, seen in zip(self.objects, self.seen_object.tolist(), strict=True)
            if not seen
        )

    @property
    def novel_parts(self) -> tuple[str, ...]:
        """Generalized parts that no seen object has."""
        return tuple(
            part for part, seen in zip(self.parts, self.seen_part.tolist(), strict=True) if not seen
        )

    @property
    def counts(self) -> dict[str, int]:
        """How many object parts (and of these seen, unseen), parts, objects, objects with parts."""
        seen = int(self.seen.sum())
        return {
            "object parts": len(self),
            "seen": seen,
            "unseen": len(self) - seen,
            "parts": len(self.parts),
            "objects": len(self.objects),
            "with parts": len(self.objects_with_parts),
        }

    def owners(self, part: str, *, seen: bool | None = None) -> tuple[str, ...]:
        """Objects that have a generalized part, in label order; seen or novel ones on request.

        Raises:
            ValueError: no object has such a part; the message holds close names.
        """
        if part not in self.parts:
            raise ValueError(
                f"{part!r} is not one of the {len(self.parts)} parts of vocabulary {self.name!r}"
                f"{_did_you_mean(str(part), self.parts)}"
            )
        has = self.part_of == self.parts.index(part)
        kept = has if seen is None else has & (self.seen == seen)
        return tuple(self.objects[o] for o in sorted(self.object_of[kept].tolist()))

    def parse(self, name: str) -> tuple[str, str]:
        """Object and part of a name, by the longest fitting object here; the part may be new.

        "dog's head" gives ("dog", "head").

        Raises:
            ValueError: no object fits (with close names), or no part is named.
        """
        split_name(name)  # both halves must be there
        tidied = tidy_name(name)
        cuts = [(found.start(), found.end()) for found in re.finditer(r"'[sS] ", tidied)]
        for end, begin in reversed(cuts):
            at = self._object_index.get(_key(tidied[:end]))
            if at is not None:
                return self.objects[at], tidied[begin:]
        raise ValueError(
            f"no object of vocabulary {self.name!r} begins {name!r}"
            f"{_did_you_mean(tidied[: cuts[0][0]], self.objects)}"
        )

    def index(self, name: str) -> int:
        """Position of an object-specific part name.

        Raises:
            ValueError: it is unknown (with close names).
        """
        try:
            return self._index[name_key(name)]
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{name!r} is not one of the {len(self)} part names of vocabulary {self.name!r}"
                f"{_did_you_mean(str(name), self.object_parts)}"
            ) from None

    def object_index(self, obj: str) -> int:
        """Position of an object name.

        Raises:
            ValueError: it is not in the vocabulary (with close names).
        """
        try:
            return self._object_index[name_key(obj)]
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"{obj!r} is not one of the {len(self.objects)} objects of vocabulary {self.name!r}"
                f"{_did_you_mean(str(obj), self.objects)}"
            ) from None

    def parts_of(self, obj: str) -> tuple[str, ...]:
        """Generalized part names of one object in label order; ("body", "cap") of "bottle"."""
        members = (self.object_of == self.object_index(obj)).nonzero().flatten()
        return tuple(self.parts[p] for p in self.part_of[members].tolist())

    def canonical(self, name: str) -> str:
        """This vocabulary's name for free words: "puppy's snout" -> "dog's muzzle".

        Raises:
            ValueError: there is none (with close names).
        """
        cleaned = tidy_name(name)
        if cleaned in self:
            return self.object_parts[self.index(cleaned)]
        obj, part = split_name(cleaned)
        for o in (obj, *_meant(obj, OBJECT_SYNONYMS)):
            for p in (part, *_meant(part, PART_SYNONYMS)):
                if (candidate := f"{o}{SEPARATOR}{p}") in self:
                    return self.object_parts[self.index(candidate)]
        self.index(cleaned)  # raises, with close names
        raise AssertionError("unreachable")

    # ---- identity --------------------------------------------------------------------------------

    def to_dict(self) -> dict:
        """Plain lists for a JSON file or a checkpoint; `from_dict` reads them back equal."""
        return {
            "name": self.name,
            "objects": list(self.objects),
            "object_parts": list(self.object_parts),
            "novel_objects": [
                obj
                for obj, seen in zip(self.objects, self.seen_object.tolist(), strict=True)
                if not seen
            ],
            "ids": self.ids.tolist(),
            "object_ids": self.object_ids.tolist(),
            "ignore_label": self.ignore_label,
        }

    @classmethod
    def from_dict(cls, contents: Mapping) -> Vocabulary:
        """The vocabulary that `to_dict` wrote down.

        `ValueError` names the entry and the value that cannot be, so that a table from a file never
        gives labels another meaning.
        """
        return cls._build(**_checked_table(contents))

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of everything but the name; the same on every machine."""
        contents = {key: value for key, value in self.to_dict().items() if key != "name"}
        return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()[:16]

    def __eq__(self, other) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return {**self.to_dict(), "name": ""} == {**other.to_dict(), "name": ""}

    def __hash__(self) -> int:
        return int(self.hash, 16)

    def __len__(self) -> int:
        return len(self.object_parts)

    def __iter__(self):
        return iter(self.object_parts)

    def __contains__(self, name) -> bool:
        try:
            return name_key(name) in self._index
        except (TypeError, ValueError):
            return False

    def __repr__(self) -> str:
        return (
            f"Vocabulary({self.name!r}: {len(self)} object parts = {int(self.seen.sum())} seen + "
            f"{int((~self.seen).sum())} unseen, {len(self.parts)} parts, "
            f"{len(self.objects)} objects)"
        )
