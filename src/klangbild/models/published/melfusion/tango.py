"""The sizes of Tango's UNet, on which MeLFusion is built, as diffusers' class takes them."""

from __future__ import annotations

# Tango's UNet; `attention_head_dim` is the number of heads, a name that diffusers kept.
TANGO_UNET = {
    "sample_size": (256, 16),
    "in_channels": 8,
    "out_channels": 8,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20, 20),
    "cross_attention_dim": 1024,
    "use_linear_projection": True,
    "down_block_types": ("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
    "up_block_types": ("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
}
