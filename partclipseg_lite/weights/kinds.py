"""What a file is that holds no weights, told from its first bytes, and what to do then."""

import stat
import zipfile
from pathlib import Path

HEAD = 4096  # bytes looked at

#: First bytes -> (what the file is, what to do). Compared as they are.
MAGIC = {
    b"version https://git-lfs": (
        "a Git LFS pointer, not a readable safetensors file",
        "fetch it with `git lfs pull`",
    ),
    b"GGUF": ("a GGUF model", "take the weights in safetensors or PyTorch form"),
    b"\x89HDF\r\n\x1a\n": ("an HDF5 file (Keras?)", "take the weights in safetensors form"),
    b"\x93NUMPY": ("one NumPy array", "take the weights in safetensors or PyTorch form"),
    b"\x89PNG\r\n\x1a\n": ("a PNG picture", "give the weights here, the picture as the image"),
    b"\xff\xd8\xff": ("a JPEG picture", "give the weights here, the picture as the image"),
    b"GIF8": ("a GIF picture", "give the weights here, the picture as the image"),
    b"%PDF-": ("a PDF document", "download the file again"),
    b"\x1f\x8b": ("a gzip archive", "unpack it and give the file inside"),
    b"BZh": ("a bzip2 archive", "unpack it and give the file inside"),
    b"\xfd7zXZ\x00": ("an xz archive", "unpack it and give the file inside"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "unpack it and give the file inside"),
    b"(\xb5/\xfd": ("a Zstandard archive", "unpack it and give the file inside"),
    b"Rar!\x1a\x07": ("a RAR archive", "unpack it and give the file inside"),
    b"\x7fELF": ("a program", "give a file of weights"),
    b"MZ": ("a program", "give a file of weights"),
    b"SQLite format 3": ("a SQLite database", "give a file of weights"),
}


def what_else(path: Path) -> str | None:
    """What lies at `path` in place of weights, and the remedy, as the end of a sentence.

    None for what may be weights. Whether weights are whole, the reader of tensors finds out.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        return "a folder, not a file of weights; give the file inside it"
    if not stat.S_ISREG(mode):
        return "no regular file but a pipe or a device; give a file of weights"
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "an empty file, not weights; take a fresh copy"
    for magic, (what, remedy) in MAGIC.items():
        if head.startswith(magic):
            return f"{what}; {remedy}"
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--")):
        return "an HTML page (a failed download?), not weights; download the file again"
    if head[8:9] == b"{" and not start.startswith((b"{", b"<", b"[")):
        return None  # safetensors: eight bytes of length, then JSON
    if start.startswith(b"<"):
        return "an XML or HTML page (a failed download?), not weights; download the file again"
    if head.startswith(b"PK"):
        return _in_zip(path, head)
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it and give the file inside"
    if _is_onnx(path, head):
        return "an ONNX graph, which has no weights to train on; give the weights it was made from"
    if _is_text(head):
        what = "a JSON file" if start[:1] in (b"{", b"[") else "a text file"
        return f"{what}, not weights; give the .safetensors or .pth file that lies beside it"
    return None


def _in_zip(path: Path, head: bytes) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return _TORCHSCRIPT if b"/code/" in head else None  # cut: torch's reader says so
    endings = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in endings or any("/code/" in f"/{name}" for name in names):
        return _TORCHSCRIPT
    if "data.pkl" in endings:
        return None
    if names and all(name.endswith(".npy") for name in names):
        return "a file of NumPy arrays (.npz); take the weights in safetensors or PyTorch form"
    inside = f" with {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}" if names else ""
    return f"a zip archive{inside}, not weights; unpack it and give the file of weights inside"


_TORCHSCRIPT = (
    "a TorchScript archive (code and weights), the form of OpenAI's own CLIP files such as "
    "ViT-B-16.pt, and nothing in it is executed here; ask for open_clip's weights in its place "
    "(model.backbone=ViT-B-16-quickgelu model.pretrained=openai)"
)


def _is_onnx(path: Path, head: bytes) -> bool:
    """A protobuf message: the version of the format first, then the producer or the graph."""
    return path.suffix == ".onnx" or (
        len(head) > 3 and head[0] == 8 and 0 < head[1] < 32 and head[2] in (0x12, 0x1A, 0x3A, 0x42)
    )


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < HEAD else "ignore")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\r\n\t\f" for character in text)
