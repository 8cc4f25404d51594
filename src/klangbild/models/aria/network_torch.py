"""midi-emotion's network: a post-norm decoder with relative global attention, and four ways to let the emotion in.

Parameter names are those of the published checkpoints, so that `load_state_dict` takes them as they are. Shapes: B rows, T
new positions, S positions in all (cached and new), D = d_model, H heads of width d, V ids.

Written from a specification of the published behaviour. References: Huang et al. (2019) "Music Transformer" (relative global
attention); Vaswani et al. (2017) (sinusoid positions); Sulun, Davies, Viana (2022) (conditioning).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from klangbild.errors import InputError
from klangbild.models.aria.sizes import MidiEmotionSizes, position_table
from klangbild.models.aria.vocabulary import PAD

_NORM_EPSILON = 1e-6
_INIT_RANGE = 0.1


class Cache:
    """Keys and values of every layer, (layers, B, H, capacity, d) each, of which the first `length` positions are filled.

    Room is taken in blocks and doubled when full, so that nothing is copied at most steps.
    """

    def __init__(self, network: MidiEmotionNetwork, rows: int, *, capacity: int = 256) -> None:
        sizes = network.sizes
        self._limit = sizes.max_positions
        self._shape = (sizes.n_layer, rows, sizes.n_head)
        weight = network.fc_weight
        make = {"dtype": weight.dtype, "device": weight.device}
        self.keys = torch.empty(*self._shape, min(capacity, self._limit), sizes.d_head, **make)
        self.values = torch.empty_like(self.keys)
        self.length = 0

    def make_room(self, new: int) -> None:
        """Grow if `new` further positions do not fit. Raises InputError: beyond the table of positions."""
        wanted = self.length + new
        if wanted > self._limit:
            raise InputError(
                f"{wanted} positions are more than the {self._limit} that this network knows; shorten the input"
            )
        capacity = self.keys.shape[3]
        if wanted > capacity:
            capacity = min(max(2 * capacity, wanted), self._limit)
            for name in ("keys", "values"):
                old = getattr(self, name)
                grown = old.new_empty(*self._shape, capacity, old.shape[-1])
                grown[:, :, :, : self.length] = old[:, :, :, : self.length]
                setattr(self, name, grown)

    def put(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values (B, H, T, d) of a layer; all of them so far, as views (B, H, S, d)."""
        end = self.length + k.shape[2]
        self.keys[layer][:, :, self.length : end] = k
        self.values[layer][:, :, self.length : end] = v
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]


class RelativeGlobalAttention(nn.Module):
    """Attention whose logits are (q_i . k_j + q_i . E[last - (i - j)]) / sqrt(d); E is shared by the heads."""

    def __init__(self, sizes: MidiEmotionSizes) -> None:
        super().__init__()
        self.n_head = sizes.n_head
        self.E = nn.Parameter(torch.empty(sizes.max_positions, sizes.d_head))
        self.Wq, self.Wk, self.Wv, self.fc = (nn.Linear(sizes.d_model, sizes.d_model) for _ in range(4))

    def forward(self, x: Tensor, blocked: Tensor | None, *, cache: Cache | None = None, layer: int = 0) -> Tensor:
        """x (B, T, D), blocked bool (B or 1, 1, T, S) -> (B, T, D). blocked=None: every position sees every other."""
        q, k, v = (w(x).unflatten(-1, (self.n_head, -1)).transpose(1, 2) for w in (self.Wq, self.Wk, self.Wv))
        if cache is not None:
            k, v = cache.put(layer, k, v)
        relative = relative_logits(q, self.E, k.shape[2])
        if blocked is None:  # the distances of positions to come are no part of the table
            relative = relative.tril(k.shape[2] - q.shape[2])
        logits = (q @ k.transpose(-1, -2) + relative) / math.sqrt(q.shape[-1])
        if blocked is not None:
            logits = logits.masked_fill(blocked, -torch.inf)
        return self.fc((logits.softmax(dim=-1) @ v).transpose(1, 2).flatten(2))


def relative_logits(q: Tensor, table: Tensor, n_keys: int) -> Tensor:
    """q (B, H, T, d) of the last T of S positions, table (R, d) -> (B, H, T, S): q_i . table[R - 1 - (i - j)] for j <= i.

    The skew of Huang et al. (2019), section 3.4.1, for a query that need not start at position 0. What stands at j > i has
    no meaning.
    """
    n_queries = q.shape[2]
    by_distance = q @ table[table.shape[0] - n_keys :].T  # (B, H, T, S): column S - 1 is distance 0
    if n_queries == 1:
        return by_distance
    flat = F.pad(by_distance, (0, 1)).flatten(2)
    return flat[..., n_queries - 1 : n_queries - 1 + n_queries * n_keys].unflatten(-1, (n_queries, n_keys))


class Layer(nn.Module):
    """h = norm(x + attention(x)); norm(h + W2 relu(W1 h)): post-norm."""

    def __init__(self, sizes: MidiEmotionSizes, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.rga = RelativeGlobalAttention(sizes)
        self.FFN_pre = nn.Linear(sizes.d_model, sizes.d_inner)
        self.FFN_suf = nn.Linear(sizes.d_inner, sizes.d_model)
        self.layernorm1 = nn.LayerNorm(sizes.d_model, eps=_NORM_EPSILON)
        self.layernorm2 = nn.LayerNorm(sizes.d_model, eps=_NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, blocked: Tensor | None, *, cache: Cache | None, index: int) -> Tensor:
        """x (B, T, D), blocked bool (B or 1, 1, T, S) or None -> (B, T, D). index: which layer's place in the cache."""
        x = self.layernorm1(x + self.dropout(self.rga(x, blocked, cache=cache, layer=index)))
        return self.layernorm2(x + self.dropout(self.FFN_suf(F.relu(self.FFN_pre(x)))))


class MidiEmotionNetwork(nn.Module):
    """ids (B, T) int64, condition (B, 2) float = [valence, arousal] -> logits (B, T, V).

    `continuous_token` answers with two rows more in front, one for each condition vector. With `sizes.regression` it is the
    judge of the paper instead: no mask, `<CLS>` first, and the answer is [valence, arousal] (B, 2) in (-1, 1).
    dropout: of training alone (what `sizes` say of it is the published run's); it draws from torch's own generator.
    """

    def __init__(
        self, sizes: MidiEmotionSizes, *, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> None:
        super().__init__()
        self.sizes = sizes
        self.embedding = nn.Embedding(sizes.vocab_size, sizes.d_embedding, padding_idx=PAD)
        if sizes.conditioning == "continuous_concat":
            self.fc_condition = nn.Linear(2, sizes.d_condition)
        elif sizes.conditioning == "continuous_token":
            self.fc_condition = nn.ModuleList(nn.Linear(1, sizes.d_model) for _ in range(2))
        self.dropout = nn.Dropout(dropout)
        self.enc_layers = nn.ModuleList(Layer(sizes, dropout=dropout) for _ in range(sizes.n_layer))
        head = nn.Linear(sizes.d_model, 2 if sizes.regression else sizes.vocab_size)
        self.fc = nn.Sequential(head) if sizes.regression else head
        # not part of the state dict, as in the checkpoints
        self.register_buffer("positions", torch.from_numpy(position_table(sizes)), persistent=False)
        self._initialize(generator)

    @property
    def fc_weight(self) -> Tensor:
        """The last layer's weight: (vocab_size, d_model), or (2, d_model) of the judge."""
        return self.fc[0].weight if self.sizes.regression else self.fc.weight

    def _initialize(self, generator: torch.Generator | None) -> None:
        """As published: tables of distances N(0, 1), embedding, conditions and output U(-0.1, 0.1), the rest torch's own."""
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, RelativeGlobalAttention):
                    module.E.normal_(generator=generator)
                if isinstance(module, nn.Linear):
                    bound = module.in_features**-0.5
                    module.weight.uniform_(-bound, bound, generator=generator)
                    module.bias.uniform_(-bound, bound, generator=generator)
            outer = [m for m in (*self.fc.modules(), *self._conditions()) if isinstance(m, nn.Linear)]
            for linear in outer:
                linear.weight.uniform_(-_INIT_RANGE, _INIT_RANGE, generator=generator)
                linear.bias.zero_()
            self.embedding.weight.uniform_(-_INIT_RANGE, _INIT_RANGE, generator=generator)

    def _conditions(self) -> list[nn.Module]:
        return list(self.fc_condition.modules()) if hasattr(self, "fc_condition") else []

    def embed(self, ids: Tensor, condition: Tensor | None, *, start: int = 0) -> Tensor:
        """The first layer's input (B, T, D). start: the position of the first id; 0 also brings the prefix vectors."""
        sizes = self.sizes
        x = self.embedding(ids) * math.sqrt(sizes.d_embedding)
        if sizes.conditioning == "continuous_concat":
            beside = self.fc_condition(condition.to(x.dtype))
            x = torch.cat([x, beside[:, None].expand(-1, x.shape[1], -1)], dim=-1)
        elif sizes.conditioning == "continuous_token" and start == 0:
            pair = condition.to(x.dtype)
            prefix = [linear(pair[:, i : i + 1]) for i, linear in enumerate(self.fc_condition)]
            x = torch.cat([torch.stack(prefix, dim=1), x], dim=1)
        end = start + x.shape[1]
        if end > sizes.max_positions:
            raise InputError(f"{end} positions are more than the {sizes.max_positions} that this network knows")
        return x + self.positions[start:end].to(x.dtype)

    def forward(
        self,
        ids: Tensor,
        condition: Tensor | None = None,
        *,
        cache: Cache | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """See the class. cache: the ids follow what it holds, and join it. last_only: logits of the last position (B, 1, V)."""
        past = cache.length if cache is not None else 0
        x = self.dropout(self.embed(ids, condition, start=past))
        blocked = None if self.sizes.regression else self._blocked(ids, past=past, n_new=x.shape[1])
        if cache is not None:
            cache.make_room(x.shape[1])
        for index, layer in enumerate(self.enc_layers):
            x = layer(x, blocked, cache=cache, index=index)
        if cache is not None:
            cache.length = past + x.shape[1]
        if self.sizes.regression:
            return torch.tanh(self.fc(x[:, 0]))
        return self.fc(x[:, -1:] if last_only else x)

    def hidden(self, ids: Tensor, condition: Tensor | None = None) -> list[Tensor]:
        """What enters the first layer and what leaves each, (B, T, D) each: for looking inside."""
        x = self.embed(ids, condition)
        blocked = self._blocked(ids, past=0, n_new=x.shape[1])
        states = [x]
        for layer in self.enc_layers:
            states.append(layer(states[-1], blocked, cache=None, index=0))
        return states

    def _blocked(self, ids: Tensor, *, past: int, n_new: int) -> Tensor:
        """bool (B or 1, 1, T, S), True where the key comes later, or is PAD. PADs must not be cached: they are not kept."""
        queries = torch.arange(past, past + n_new, device=ids.device)
        later = torch.arange(past + n_new, device=ids.device)[None] > queries[:, None]
        is_pad = ids == PAD
        if past or not is_pad.any():
            return later[None, None]
        is_pad = F.pad(is_pad, (n_new - ids.shape[1], 0))  # condition vectors in front are never PAD
        return later[None, None] | is_pad[:, None, None]


def next_token_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the targets (B, T) that are not PAD. More logit rows than targets: the last count."""
    logits = logits[:, logits.shape[1] - targets.shape[1] :]
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)
