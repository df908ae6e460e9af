"""One reader for all pictures: one rule for a value wherever it comes from, one clear error."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from partclipseg_lite.datasets import images
from partclipseg_lite.datasets.images import read_image, read_labels
from partclipseg_lite.datasets.pascal_part_116 import PascalPart, write_pascal_part
from partclipseg_lite.datasets.sample import Sample
from partclipseg_lite.vocabulary import Vocabulary

RGB = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, contents: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + contents))
    return struct.pack(">I", len(contents)) + kind + contents + check


def png(path, width, depth, colour, row: bytes, *more: bytes):
    """A PNG of one row, put together by hand; `more`: chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + row))
    path.write_bytes(
        SIGNATURE + chunk(b"IHDR", header) + b"".join(more) + pixels + chunk(b"IEND", b"")
    )
    return path


def saved(path, image=RGB, **options):
    Image.fromarray(image).save(path, **options)
    return path


# ---- values --------------------------------------------------------------------------------------


@given(st.integers(0, 65535))
def test_sixteen_bits_are_rounded_to_the_nearest_of_eight(value):
    nearest = min(range(256), key=lambda grey: abs(grey * 257 - value))
    for order in "<>":
        array = np.array([[value]], dtype=f"{order}u2")
        assert (read_image(array) == nearest).all()
    assert (read_image(Image.fromarray(np.array([[value]], np.uint16))) == nearest).all()
    assert (read_image(torch.tensor([[value]], dtype=torch.uint16)) == nearest).all()


@given(st.floats(0, 1, width=32))
def test_floats_are_rounded_alike_whatever_holds_them(value):
    expected = round(float(value) * 255)  # Python too rounds ties to the even number
    array = np.array([[value]], np.float32)
    big = array.astype(">f4")
    for image in (array, big, array.astype(float), array.astype(">f8"), torch.from_numpy(array)):
        assert (read_image(image) == expected).all()
    assert (read_image(Image.fromarray(array)) == expected).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors_of_every_float_are_read(dtype):
    image = torch.tensor([[0.0, 0.5, 1.0]], dtype=dtype, requires_grad=True)
    assert read_image(image)[..., 0].tolist() == [[0, 128, 255]]


def test_views_subclasses_and_read_only_arrays_are_read():
    frozen = RGB.copy()
    frozen.flags.writeable = False
    kinds = (
        frozen,
        RGB.view(np.memmap),
        RGB[::-1, ::-1][::-1, ::-1],
        np.ma.masked_array(RGB),
        np.asfortranarray(RGB),
        torch.from_numpy(RGB).permute(2, 0, 1),
    )
    for image in kinds:
        assert np.array_equal(read_image(image), RGB)
    assert read_image(np.broadcast_to(np.uint8(7), (4, 5))).tolist() == [[[7] * 3] * 5] * 4


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        (Image.fromarray(np.array([[128, 255.5]], np.float32)), ValueError, "divide by 255"),
        (Image.fromarray(np.array([[np.inf]], np.float32)), ValueError, "not finite"),
        (Image.fromarray(np.array([[-0.1]], np.float32)), ValueError, r"must lie in 0\.\.1"),
        (
            Image.fromarray(np.array([[9]], np.int32)),
            ValueError,
            "32 bits .* convert it to 8 or 16",
        ),
        (Image.new("LAB", (3, 2)), ValueError, "LAB.* convert it to RGB"),
        (Image.new("RGB", (0, 5)), ValueError, r"no pixels \(0x5\)"),
        (np.zeros((5, 0), np.uint8), ValueError, r"got shape \(5, 0\)"),
        (np.zeros((5, 4), np.int16), ValueError, "got int16; convert it"),
        (np.zeros((5, 4), ">u4"), ValueError, "got >u4"),
        (np.array(3, np.uint8), ValueError, r"got shape \(\)"),
        (np.ma.masked_less(RGB, 9), ValueError, "masked pixels; fill them"),
        (np.zeros((5, 4), [("r", "u1")]), ValueError, "float in 0..1, got"),
        (torch.zeros(3, 4, 5, dtype=torch.int32), ValueError, "got int32"),
        (torch.zeros(4, 5).to_sparse(), TypeError, "sparse.* give a plain one"),
        (torch.zeros(3, 4, 5, device="meta"), TypeError, "meta.* give a plain one"),
        (np.uint8(3), TypeError, "got uint8"),
        (RGB.tolist(), TypeError, "got list"),
        (io.BytesIO(b""), TypeError, "got BytesIO"),
        (3, TypeError, "got int"),
    ],
)
def test_what_has_no_scale_or_no_pixels_is_refused(image, error, says):
    with pytest.raises(error, match=says):
        read_image(image)


def test_a_file_that_says_sixteen_bits_is_believed_whatever_mode_it_is_opened_in(tmp_path):
    values = np.array([[0, 300, 40000, 65535]], np.uint16)
    expected = [[0, 1, 156, 255]]
    for name in ("a.png", "a.tiff"):
        assert read_image(saved(tmp_path / name, values))[..., 0].tolist() == expected
    pgm = tmp_path / "a.pgm"
    pgm.write_bytes(b"P5 4 1 65535\n" + values.astype(">u2").tobytes())
    assert read_image(pgm)[..., 0].tolist() == expected
    big = Image.frombytes("I;16B", (4, 1), values.astype(">u2").tobytes())
    assert read_image(big)[..., 0].tolist() == expected
    big.save(tmp_path / "big.tiff")
    assert read_image(tmp_path / "big.tiff")[..., 0].tolist() == expected
    saved(tmp_path / "deep.tiff", values.astype(np.int32))
    with pytest.raises(ValueError, match="deep.tiff has 32 bits a pixel"):
        read_image(tmp_path / "deep.tiff")


def test_twelve_bits_are_spread_over_all_greys_and_white_may_be_0(tmp_path):
    def tiff(bits, photometric, contents):
        tags = [(256, 2), (257, 1), (258, bits), (259, 1), (262, photometric), (273, 8)]
        tags += [(277, 1), (278, 1), (279, len(contents))]
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        body = contents.ljust(4, b"\0")
        directory = struct.pack("<H", len(tags)) + entries + bytes(4)
        path = tmp_path / f"{bits}-{photometric}.tiff"
        path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(body)) + body + directory)
        return read_image(path)[..., 0].tolist()

    assert tiff(12, 1, bytes([0xFF, 0xF8, 0x00])) == [[255, 128]]  # 4095 and 2048
    assert tiff(16, 1, struct.pack("<2H", 0, 40000)) == [[0, 156]]
    assert tiff(16, 0, struct.pack("<2H", 0, 40000)) == [[255, 99]]


# ---- transparency, palettes, colour spaces -------------------------------------------------------


def test_a_transparent_grey_is_laid_on_white_at_every_depth(tmp_path):
    rows = {1: b"\x40", 2: b"\x1b", 4: b"\x01\x2f", 8: b"\0\1\2\xff", 16: b"\0\0\0\1\1\1\xff\xff"}
    for depth, row in rows.items():
        path = tmp_path / f"{depth}.png"
        clear = chunk(b"tRNS", struct.pack(">H", 1))
        without = read_image(png(path, 4, depth, 0, row))[0, :, 0].tolist()
        found = read_image(png(path, 4, depth, 0, row, clear))[0, :, 0].tolist()
        assert without[1] < 255 or depth == 1
        assert found == [without[0], 255, *without[2:]], f"{depth} bits"


def test_transparent_colours_and_palettes_are_laid_on_white(tmp_path):
    path = tmp_path / "a.png"
    colours, palette = bytes([9, 8, 7, 1, 2, 3]), chunk(b"PLTE", bytes([9, 8, 7, 1, 2, 3]))
    clear = chunk(b"tRNS", struct.pack(">3H", 9, 8, 7))
    assert read_image(png(path, 2, 8, 2, colours, clear)).tolist() == [[[255] * 3, [1, 2, 3]]]
    deep = np.array([9, 8, 7, 1, 2, 3], ">u2") * 257
    clear = chunk(b"tRNS", (deep[:3]).astype(">u2").tobytes())
    found = read_image(png(path, 2, 16, 2, deep.astype(">u2").tobytes(), clear))
    assert found.tolist() == [[[255] * 3, [1, 2, 3]]]
    for alphas in (b"\0", b"\0\xff", b"\0\xfe"):
        found = read_image(png(path, 2, 8, 3, b"\0\1", palette, chunk(b"tRNS", alphas)))
        assert found[0, 0].tolist() == [255] * 3 and abs(int(found[0, 1, 0]) - 1) <= 1
    with_alpha = Image.new("P", (1, 1))
    with_alpha.putpalette([10, 20, 30, 0], "RGBA")
    assert (read_image(with_alpha) == 255).all()


def test_half_transparent_pixels_are_mixed_with_white():
    half = np.array([[[0, 100, 200, 128]]], np.uint8)
    expected = np.round(255 + (half[..., :3] - 255.0) * 128 / 255)
    for image in (half, Image.fromarray(half), half.astype(np.uint16) * 257, half / 255):
        assert np.abs(read_image(image) - expected).max() <= 1


def test_cmyk_is_read_whether_or_not_a_jpeg_inverts_it(tmp_path):
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red.save(tmp_path / "red.jpg", quality=95)  # Pillow writes it as Adobe does: inverted
    red.save(tmp_path / "red.tiff")
    for image in (red, tmp_path / "red.jpg", tmp_path / "red.tiff"):
        assert np.abs(read_image(image).astype(int) - (255, 0, 0)).max() < 8


def test_of_several_frames_the_first_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "a.png", "a.tiff", "a.webp"):
        frames[0].save(
            tmp_path / name,
            save_all=True,
            append_images=frames[1:],
            **({"lossless": True} if "webp" in name else {}),
        )
        assert np.abs(read_image(tmp_path / name).astype(int) - (255, 0, 0)).max() < 4


# ---- what a file says beside its pixels ----------------------------------------------------------


def exif_block(orientation, kind=3, length=1, order=">"):
    """An EXIF block whose XResolution points far outside, with an orientation after it."""
    broken = struct.pack(f"{order}HHII", 0x0100, 5, 1, 0xFFFFFF00)
    value = struct.pack(f"{order}H" if kind == 3 else f"{order}I", orientation).ljust(4, b"\0")
    entry = struct.pack(f"{order}HHI", 0x0112, kind, length) + value
    resolution = struct.pack(f"{order}HHII", 0x011A, 5, 1, 0xFFFFFF00)
    start = {">": b"MM\0*", "<": b"II*\0"}[order] + struct.pack(f"{order}IH", 8, 3)
    return b"Exif\0\0" + start + broken + entry + resolution + bytes(4)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [3, 4])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_malformed_entries_beside_the_orientation_are_passed_over(tmp_path, name, kind, order):
    path = saved(tmp_path / name, exif=exif_block(6, kind, order=order))
    plain = read_image(saved(tmp_path / f"plain-{name}"))
    assert np.array_equal(read_image(path), np.rot90(plain, -1))
    assert np.array_equal(read_image(Image.open(path)), np.rot90(plain, -1))
    assert np.array_equal(read_image(path, upright=False), plain)


@pytest.mark.parametrize(
    "exif",
    [
        exif_block(0),
        exif_block(9),
        exif_block(6, length=2),
        exif_block(6)[:30],
        exif_block(6)[:11],
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0no EXIF at all",
    ],
)
def test_an_orientation_that_means_nothing_is_ignored(tmp_path, exif):
    plain = read_image(saved(tmp_path / "plain.jpg"))
    assert np.array_equal(read_image(saved(tmp_path / "a.jpg", exif=exif)), plain)


def test_a_png_is_read_whatever_its_other_chunks_hold(tmp_path):
    whole = saved(tmp_path / "a.png").read_bytes()
    bomb = zlib.compress(bytes(2**21))
    for kind in (b"pHYs", b"iCCP", b"tEXt", b"zTXt", b"iTXt", b"cHRM", b"sRGB", b"acTL", b"eXIf"):
        for contents in (b"", b"a", b"key\0\0" + bomb, b"key\0\1\0\0\0" + bomb):
            spoilt = tmp_path / "spoilt.png"
            spoilt.write_bytes(whole[:33] + chunk(kind, contents) + whole[33:])
            assert np.array_equal(read_image(spoilt), RGB), (kind, contents[:8])


def test_a_dataset_does_not_turn_its_images_since_its_masks_are_not_turned(tmp_path):
    maps = np.zeros((2, 6, 9), np.int64)
    drawn = Vocabulary.load("drawn")
    write_pascal_part([Sample(RGB, *maps, "a")], tmp_path / "set", "val", vocabulary=drawn)
    path = tmp_path / "set" / "images" / "val" / "a.png"
    saved(path, exif=exif_block(6))
    assert np.array_equal(PascalPart(tmp_path / "set", "val")[0].image, RGB)
    assert read_image(path).shape == (9, 6, 3)
    saved(path, RGB[..., 0].astype(np.uint16) * 257)
    assert np.array_equal(PascalPart(tmp_path / "set", "val")[0].image[..., 0], RGB[..., 0])


# ---- files that are none -------------------------------------------------------------------------


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", "/dev/null", "/dev/zero"):
        with pytest.raises(ValueError, match=f"{path} is a pipe, socket or device"):
            read_image(path)
    with pytest.raises(FileNotFoundError, match="it is a folder; name a file in it"):
        read_image(tmp_path)
    for path in ("", "a\0b.png", "a" * 5000, tmp_path / "none.png", "\ud800.png"):
        with pytest.raises(FileNotFoundError, match="no image at"):
            read_image(path)
    with pytest.raises(TypeError, match="got bytes"):
        read_image(b"dog.png")


def test_a_drawing_is_not_given_to_another_program(tmp_path):
    (tmp_path / "a.eps").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
    )
    with pytest.raises(ValueError, match="a.eps is a drawing .* save it as PNG"):
        read_image(tmp_path / "a.eps")


def test_a_picture_that_would_fill_the_memory_is_refused_unread(tmp_path, monkeypatch):
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    bomb = SIGNATURE + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    for limit in (Image.MAX_IMAGE_PIXELS, None):  # whatever the caller has told Pillow
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ValueError, match="bomb.png is too large .* make it smaller"):
            read_image(tmp_path / "bomb.png")
    monkeypatch.setattr(images, "MOST_PIXELS", 50)
    with pytest.raises(ValueError, match=r"the array is too large \(9x6 pixels\)"):
        read_image(RGB)


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    def refused(*_):  # the superuser, who may run the tests, may read everything
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(PermissionError, match="a.png may not be read; change its permissions"):
        read_image(saved(tmp_path / "a.png"))


# ---- labels --------------------------------------------------------------------------------------


def test_labels_are_the_numbers_stored_at_every_depth(tmp_path):
    path = tmp_path / "a.png"
    assert read_labels(png(path, 4, 1, 0, b"\x40")).tolist() == [[0, 1, 0, 0]]
    assert read_labels(png(path, 4, 2, 0, b"\x1b")).tolist() == [[0, 1, 2, 3]]
    assert read_labels(png(path, 4, 4, 0, b"\x01\x2f")).tolist() == [[0, 1, 2, 15]]
    assert read_labels(png(path, 4, 8, 0, b"\0\1\2\xff")).tolist() == [[0, 1, 2, 255]]
    deep = struct.pack(">4H", 0, 1, 233, 65535)
    assert read_labels(png(path, 4, 16, 0, deep)).tolist() == [[0, 1, 233, 65535]]
    palette = chunk(b"PLTE", bytes(range(48)))
    for depth, row in ((2, b"\x1b"), (4, b"\x01\x23"), (8, b"\0\1\2\3")):
        for more in ((palette,), (palette, chunk(b"tRNS", b"\0\x80"))):
            found = read_labels(png(path, 4, depth, 3, row, *more))
            assert found.tolist() == [[0, 1, 2, 3]] and found.dtype == np.int64


def test_labels_that_are_colours_or_lossy_are_refused_by_name(tmp_path):
    for mode in ("RGB", "RGBA", "LA"):
        Image.new(mode, (3, 2)).save(tmp_path / "labels.png")
        with pytest.raises(ValueError, match=f"labels.png must have one channel.* mode {mode}"):
            read_labels(tmp_path / "labels.png")
    Image.new("L", (3, 2)).save(tmp_path / "labels.png", format="JPEG")
    with pytest.raises(ValueError, match="labels.png is a JPEG file, labels must be stored as PNG"):
        read_labels(tmp_path / "labels.png")
