"""Art2Mus's only trained part: an image vector becomes one or four tokens that AudioLDM 2's language model can read.

    tokens = W2 tanh(W1 x + b1) + b2,   x: (batch, 1, image_dim)  ->  (batch, n_tokens, token_dim)

At the published size (ImageBind's 1024, GPT-2's 768, 1536 hidden units) that is 2,754,816 weights for one token and
6,296,064 for four. The state dict has the four names of the published files `art2mus_img_proj_layer.pt` and
`art2mus_4_img_proj_layer.pt`, so these load as they are.

Source: Art2Mus, arXiv 2410.04906, section 3.2.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from klangbild.errors import InputError
from klangbild.models.published.weight_files import read_state_dict, write_state_dict

IMAGE_DIM = 1024
HIDDEN_DIM = 1536
TOKEN_DIM = 768
KEYS = ("projection1.weight", "projection1.bias", "projection2.weight", "projection2.bias")


class ImageProjection(nn.Module):
    """Image vectors to language-model tokens.

    Args:
        n_tokens: tokens per picture; the paper has 1 (Art2Mus) and 4 (Art2Mus-4).
        image_dim, hidden_dim, token_dim: widths; the defaults are the published ones.
    """

    def __init__(
        self,
        *,
        n_tokens: int = 1,
        image_dim: int = IMAGE_DIM,
        hidden_dim: int = HIDDEN_DIM,
        token_dim: int = TOKEN_DIM,
    ) -> None:
        super().__init__()
        self.n_tokens = n_tokens
        self.token_dim = token_dim
        self.projection1 = nn.Linear(image_dim, hidden_dim)
        self.projection2 = nn.Linear(hidden_dim, token_dim * n_tokens)

    @property
    def image_dim(self) -> int:
        return self.projection1.in_features

    def forward(self, image_vectors: Tensor) -> Tensor:
        """(batch, image_dim) or (batch, 1, image_dim) -> (batch, n_tokens, token_dim)."""
        if image_vectors.ndim == 2:
            image_vectors = image_vectors[:, None, :]
        tokens = self.projection2(torch.tanh(self.projection1(image_vectors)))  # (batch, 1, n_tokens * token_dim)
        return tokens.reshape(tokens.shape[0], self.n_tokens, self.token_dim)

    @classmethod
    def from_file(cls, path: Path | str, *, token_dim: int = TOKEN_DIM) -> ImageProjection:
        """Load a published or a trained projection (`.pt` or `.safetensors`); sizes and token count come from the file.

        Args:
            path: the weights.
            token_dim: width of the language model that will read the tokens; it tells one wide token from several.

        Raises:
            InputError: not such a file, or its shapes do not fit `token_dim`.
        """
        state = read_state_dict(path)
        return cls.from_state_dict(state, token_dim=token_dim, source=Path(path).name)

    @classmethod
    def from_state_dict(
        cls, state: dict[str, Tensor], *, token_dim: int = TOKEN_DIM, source: str = "state dict"
    ) -> ImageProjection:
        """The same from tensors already in memory; `source` is named in errors."""
        missing = [key for key in KEYS if key not in state]
        if missing:
            raise InputError(
                f"{source}: not an Art2Mus image projection, {missing[0]} is missing; expected {', '.join(KEYS)}"
            )
        strange = sorted(state.keys() - set(KEYS))
        if strange:
            raise InputError(f"{source}: has {strange[0]}, which is no part of Art2Mus's image projection")
        shapes = [tuple(state[key].shape) for key in KEYS]
        if [len(shape) for shape in shapes] != [2, 1, 2, 1]:
            raise InputError(f"{source}: its weights have shapes {shapes}; this is not Art2Mus's image projection")
        hidden_dim, image_dim = shapes[0]
        out_dim = shapes[2][0]
        if shapes[1:] != [(hidden_dim,), (out_dim, hidden_dim), (out_dim,)] or not out_dim:
            raise InputError(f"{source}: its weights have shapes {shapes}, which do not fit together; fetch it again")
        if out_dim % token_dim:
            raise InputError(
                f"{source}: its output width {out_dim} is no multiple of the language model's {token_dim}; "
                "use a projection trained for this language model"
            )
        projection = cls(n_tokens=out_dim // token_dim, image_dim=image_dim, hidden_dim=hidden_dim, token_dim=token_dim)
        projection.load_state_dict({key: state[key].float() for key in KEYS})
        return projection.eval()

    def save(self, path: Path | str) -> None:
        """Write the four tensors, float32, as safetensors (or `.pt`, readable by the original code)."""
        write_state_dict({key: value.float() for key, value in self.state_dict().items()}, path)
