"""A file that holds no weights is called what it is; weights are left to their reader."""

import io
import os
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save as safetensors_bytes

from partclipseg_lite.weights.files import WeightsError, read_tensors
from partclipseg_lite.weights.kinds import what_else


def torchscript() -> bytes:
    """What `torch.jit.save` writes, and OpenAI's own files of CLIP are."""
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), buffer)
    return buffer.getvalue()


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pth"))
    return buffer.getvalue()


def npz() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.zeros(3))
    return buffer.getvalue()


def picture(form: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, form)
    return buffer.getvalue()


def torch_file(**how) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, buffer, **how)
    return buffer.getvalue()


OTHERS = {
    "torchscript": (torchscript(), "TorchScript archive .*ask for open_clip's weights"),
    "torchscript, cut": (torchscript()[:-300], "TorchScript archive .*open_clip"),
    "zip": (zipped(readme=b"hello"), "a zip archive with readme, not weights; unpack it"),
    "empty zip": (zipped(), "a zip archive, not weights"),
    "npz": (npz(), "NumPy arrays"),
    "npy": (b"\x93NUMPY\x01\x00", "one NumPy array"),
    "tar": (tarred(), "a tar archive; unpack it"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "a gzip archive; unpack it"),
    "onnx": (b"\x08\x08\x12\x07pytorch\x1a\x05" + bytes(30), "an ONNX graph"),
    "gguf": (b"GGUF\x03\x00\x00\x00" + bytes(40), "a GGUF model"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(40), "an HDF5 file"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "html": (b"\n<!DOCTYPE html><html>404</html>", "an HTML page .*download the file again"),
    "xml": (b"<?xml version='1.0'?><Error/>", "an XML or HTML page"),
    "json": (b'{"model_type": "clipseg"}', "a JSON file, not weights"),
    "text": ("Größe\n".encode(), "a text file, not weights"),
    "empty": (b"", "an empty file"),
    "png": (picture("PNG"), "a PNG picture"),
    "jpeg": (picture("JPEG"), "a JPEG picture"),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("name", ["weights.safetensors", "ViT-B-16.pt"])
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, kind, name):
    contents, says = OTHERS[kind]
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(WeightsError, match=rf"{name} is (a|an|one|no) .*") as caught:
        read_tensors(tmp_path / name)
    assert caught.match(says) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "contents",
    [
        safetensors_bytes({"a": torch.zeros(3)}),
        safetensors_bytes({"a": torch.zeros(3)}, {"format": "pt" * 2000}),
        torch_file(),
        torch_file(_use_new_zipfile_serialization=False),
        torch_file()[:-200],
        pickle.dumps({"a": 1}),
    ],
)
def test_weights_whole_or_cut_are_left_to_their_reader(tmp_path, contents):
    (tmp_path / "w").write_bytes(contents)
    assert what_else(tmp_path / "w") is None


def test_a_folder_and_a_pipe_are_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="pipe is no regular file"):
        read_tensors(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="is a folder, not a file of weights"):
        read_tensors(tmp_path)


@given(st.binary(max_size=400))
def test_any_bytes_get_one_error_of_one_kind(tmp_path_factory, contents):
    path = tmp_path_factory.getbasetemp() / "any bytes"
    path.write_bytes(contents)
    with pytest.raises(WeightsError, match="any bytes"):
        read_tensors(path)
