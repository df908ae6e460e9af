"""What a picture's file says beside its pixels: the orientation counts, nothing else stops us.

Pillow reads much more (resolution, colour profiles, comments), and a mistake in any of it makes it
refuse pictures whose pixels are whole. So the orientation is read here, by itself, and a JPEG or
PNG that Pillow refuses can be given to it a second time without what surrounds its pixels.
"""

import struct

from PIL import Image

ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # orientation -> what turns the picture upright; PIL's names are anticlockwise
PNG, JPEG, EXIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"Exif\0\0"
PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def orientation_of(image: Image.Image) -> int:
    """1..8; 1 (upright) where the picture says nothing, or nothing that can be read."""
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        return orientation_in(exif)
    try:
        found = image.getexif().get(ORIENTATION)
    except Exception:  # Pillow's reader raises whatever it meets
        return 1
    return found if isinstance(found, int) and found in UPRIGHT else 1


def orientation_in(exif: bytes) -> int:
    """The orientation, 1..8, in an EXIF block's first directory, 1 if none; the rest is skipped."""
    block = exif.removeprefix(EXIF)
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(f"{order}HHI", block, entry)
            if tag == ORIENTATION and length == 1 and kind in (3, 4):  # one short or long number
                (value,) = struct.unpack_from(f"{order}{' HI'[kind - 2]}", block, entry + 8)
                return value if value in UPRIGHT else 1
    except struct.error:  # the block ends early
        pass
    return 1


def only_pixels(contents: bytes) -> tuple[bytes, bytes] | None:
    """(a JPEG or PNG without what surrounds its pixels, its EXIF block); None for other files."""
    if contents.startswith(PNG):
        return _png_pixels(contents)
    return _jpeg_pixels(contents) if contents.startswith(JPEG) else None


def _png_pixels(contents: bytes) -> tuple[bytes, bytes]:
    kept, exif, place = [PNG], b"", len(PNG)
    while place + 8 <= len(contents):
        length, kind = struct.unpack_from(">I4s", contents, place)
        end = place + 12 + length
        if kind in PNG_PIXELS:
            kept.append(contents[place:end])
        elif kind == b"eXIf":
            exif = contents[place + 8 : end - 4]
        place = end
    return b"".join(kept), exif


def _jpeg_pixels(contents: bytes) -> tuple[bytes, bytes]:
    kept, exif, place = [JPEG], b"", len(JPEG)
    while place + 4 <= len(contents) and contents[place] == 0xFF:
        marker, length = struct.unpack_from(">BH", contents, place + 1)
        end = place + 2 + length
        if marker == 0xDA:  # the pixels begin
            break
        if marker == 0xE1 and contents[place + 4 : end].startswith(EXIF):
            exif = exif or contents[place + 4 : end]
        if marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(contents[place:end])  # Adobe's marker tells how colours are coded
        place = end
    return b"".join([*kept, contents[place:]]), exif
