"""Casting to bf16 happens where it is asked for; nowhere is a context built to be switched off."""

from contextlib import nullcontext

import pytest
import torch

from partclipseg_lite.inference import predict
from partclipseg_lite.inference.predict import autocast


@pytest.fixture
def torch_without_mps(monkeypatch):
    """A torch for which `torch.autocast("mps")` raises, even to be switched off."""
    real = torch.autocast

    def refusing(device_type, *arguments, **options):
        if device_type == "mps":
            raise RuntimeError("User specified an unsupported autocast device_type 'mps'")
        return real(device_type, *arguments, **options)

    monkeypatch.setattr(predict.torch, "autocast", refusing)


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_a_device_without_autocast_is_left_alone(torch_without_mps, precision):
    assert isinstance(autocast(torch.device("mps"), precision), nullcontext)
    assert isinstance(autocast(torch.device("cpu"), precision), nullcontext)


def test_bf16_on_a_device_that_cannot_cast_is_one_clear_error(torch_without_mps):
    with pytest.raises(ValueError, match="cannot compute in bf16 on 'mps'; choose precision"):
        autocast(torch.device("mps"), "bf16")


def product(precision):
    ones = torch.ones(2, 2, dtype=torch.float32)
    with autocast(torch.device("cpu"), precision):
        return (ones @ ones).dtype


def test_casting_follows_the_precision_and_not_the_callers_autocast():
    assert product("bf16") == torch.bfloat16 and product("float32") == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert product("float32") == product("auto") == torch.float32
