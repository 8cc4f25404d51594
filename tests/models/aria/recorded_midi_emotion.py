"""A recorded midi-emotion folder of any sizes, made by a second implementation: plain functions, full recompute, no cache.

Written from the description of the published network and loop, without the code of `klangbild.models.aria`.
"""

import json
import math

import numpy as np
import torch
import torch.nn.functional as F

from klangbild.models.aria.decode_strict import decode_strict
from klangbild.models.aria.notes_from_file import notes_from_file
from klangbild.models.aria.training.to_published import mappings_of
from klangbild.models.aria.vocabulary import EventsVocabulary, with_emotion_tokens

PAD, START, SHIFT_0, BASE = 0, 1, 882, 1007
POSITIONS = 2048
TOLERANCE = {
    "logits_abs": 1e-4, "logsumexp_abs": 1e-4, "projection_abs": 1e-3, "ids": 0, "notes_s": 1e-6,
    "cross_entropy_abs": 1e-5, "grad_norm_rel": 1e-3, "sampler_prob_abs": 1e-5,
}  # fmt: skip


def random_state(config, generator):
    """Weights under the published names; biases, norms and conditions are away from their defaults."""
    d, v, inner, d_condition = (config[k] for k in ("d_model", "vocab_size", "d_inner", "d_condition"))
    width = d - max(d_condition, 0)
    shapes = {"embedding.weight": (v, width)}
    if config["conditioning"] == "continuous_concat":
        shapes |= {"fc_condition.weight": (d_condition, 2), "fc_condition.bias": (d_condition,)}
    if config["conditioning"] == "continuous_token":
        for i in range(2):
            shapes |= {f"fc_condition.{i}.weight": (d, 1), f"fc_condition.{i}.bias": (d,)}
    for i in range(config["n_layer"]):
        at = f"enc_layers.{i}."
        shapes[at + "rga.E"] = (POSITIONS, d // config["n_head"])
        linear = {f"rga.{name}": (d, d) for name in ("Wq", "Wk", "Wv", "fc")}
        linear |= {"FFN_pre": (inner, d), "FFN_suf": (d, inner)}
        for name, shape in linear.items():
            shapes |= {f"{at}{name}.weight": shape, f"{at}{name}.bias": shape[:1]}
        for name in ("layernorm1", "layernorm2"):
            shapes |= {f"{at}{name}.weight": (d,), f"{at}{name}.bias": (d,)}
    shapes |= {"fc.weight": (v, d), "fc.bias": (v,)}
    state = {}
    for name, shape in shapes.items():
        scale = 1.0 if name.endswith(".E") or "condition" in name else 0.1 if len(shape) == 1 else shape[-1] ** -0.5
        state[name] = scale * torch.randn(shape, generator=generator) + ("layernorm" in name and "weight" in name)
    return state


def network(state, config, ids, condition):
    """ids (B, L) -> (logits (B, rows, V), [what enters the first layer, what leaves each])."""
    d, n_head = config["d_model"], config["n_head"]
    x = F.embedding(ids, state["embedding.weight"], padding_idx=PAD) * math.sqrt(state["embedding.weight"].shape[1])
    pad = ids == PAD
    if config["conditioning"] == "continuous_concat":
        beside = F.linear(condition.to(x), state["fc_condition.weight"], state["fc_condition.bias"])
        x = torch.cat([x, beside[:, None].expand(-1, x.shape[1], -1)], dim=-1)
    if config["conditioning"] == "continuous_token":
        rows = [
            F.linear(condition[:, i : i + 1].to(x), state[f"fc_condition.{i}.weight"], state[f"fc_condition.{i}.bias"])
            for i in range(2)
        ]
        x = torch.cat([torch.stack(rows, dim=1), x], dim=1)
        pad = F.pad(pad, (2, 0))
    length = x.shape[1]
    wave = (math.sin, math.cos)
    table = np.array([[wave[i % 2](p / 10000 ** ((i - i % 2) / d)) for i in range(d)] for p in range(length)])
    x = x + torch.from_numpy(table.astype(np.float32)).to(x)
    later = torch.ones(length, length).triu(1).bool()
    blocked = later[None, None] | pad[:, None, None]
    distance = torch.arange(length)[:, None] - torch.arange(length)
    states = [x]
    for i in range(config["n_layer"]):

        def linear(name, value, at=f"enc_layers.{i}."):
            return F.linear(value, state[f"{at}{name}.weight"], state[f"{at}{name}.bias"])

        def norm(name, value, at=f"enc_layers.{i}."):
            return F.layer_norm(value, (d,), state[f"{at}{name}.weight"], state[f"{at}{name}.bias"], eps=1e-6)

        q, k, v = (linear(f"rga.{n}", x).view(*x.shape[:2], n_head, -1).transpose(1, 2) for n in ("Wq", "Wk", "Wv"))
        rows = state[f"enc_layers.{i}.rga.E"][POSITIONS - 1 - distance.clamp(min=0)]  # (L, L, d_head)
        relative = torch.einsum("bhid,ijd->bhij", q, rows).masked_fill(later, 0.0)
        scores = ((q @ k.transpose(-1, -2) + relative) / math.sqrt(q.shape[-1])).masked_fill(blocked, -math.inf)
        x = norm("layernorm1", x + linear("rga.fc", (scores.softmax(-1) @ v).transpose(1, 2).reshape(x.shape)))
        x = norm("layernorm2", x + linear("FFN_suf", linear("FFN_pre", x).relu()))
        states.append(x)
    return F.linear(x, state["fc.weight"], state["fc.bias"]), states


def last_logits(state, config, ids, condition, max_input):
    """The published loop's logits after ids (B, L): window, the emotion tokens in front of it, special ids excluded."""
    room = max_input - (2 if config["conditioning"] in ("continuous_token", "discrete_token") else 0)
    ids = ids[:, -room:]
    if config["conditioning"] == "discrete_token":
        ids = torch.cat([condition, ids], dim=1)
    with torch.no_grad():
        logits = network(state, config, ids, condition)[0][:, -1].clone()
    logits[:, [PAD, START, *range(BASE, logits.shape[1])]] = -math.inf
    return logits


def greedy(state, config, condition, gen_len, max_input):
    ids = torch.full((len(condition), 1), START)
    while ids.shape[1] < gen_len:
        best = last_logits(state, config, ids, condition, max_input).argmax(dim=-1, keepdim=True)
        ids = torch.cat([ids, best], dim=1)
    return ids.tolist()


def sampled(state, config, condition, params, n_steps):
    """The published sampler, step by step: what `sampler_trace.npz` holds for one setting."""
    top_k, top_p, after_shift, otherwise, penalty, seed = params
    dice = torch.Generator().manual_seed(int(seed))
    ids = torch.full((len(condition), 1), START)
    counts = torch.zeros(len(condition))
    found = {"raw_logits": [], "prev": [], "chosen": [], "nucleus_size": []}
    table = []
    for step in range(n_steps):
        previous = ids[:, -1]
        logits = last_logits(state, config, ids, condition, 1024)
        with torch.no_grad():
            raw = network(state, config, ids, condition)[0][:, -1]
        temperature = torch.where(previous >= SHIFT_0, after_shift, otherwise)
        temperature = temperature * (1 + (penalty * torch.log((counts + 1) / 4)).clamp(min=0))
        scores = logits.log_softmax(-1) / temperature[:, None]
        kept = int(top_k) if 0 < top_k <= scores.shape[1] else scores.shape[1]
        scores, order = scores.topk(kept, dim=-1)
        if 0 < top_p < 1:
            beyond = scores.softmax(-1).cumsum(-1) > top_p
            beyond[:, 0] = False
            scores = scores.masked_fill(beyond, -math.inf)
        probabilities = scores.softmax(-1)
        chosen = order.gather(1, torch.multinomial(probabilities, 1, generator=dice))
        sizes = (probabilities > 0).sum(dim=-1)
        counts = torch.where(sizes <= 2, counts + 1, counts // 2)
        for name, value in zip(found, (raw, previous, chosen[:, 0], sizes), strict=True):
            found[name].append(value.numpy())
        for row in range(len(ids)):
            for rank in range(min(int(sizes[row]), 6)):
                table.append([step, row, rank, order[row, rank], probabilities[row, rank]])
        ids = torch.cat([ids, chosen], dim=1)
    arrays = {name: np.stack(values) for name, values in found.items()}
    arrays |= {"params": np.array(params), "nucleus_step_row_rank_token_prob": np.array(table, dtype=np.float64)}
    return arrays


def record(folder, *, conditioning, seed, batch=2, length=30, gen_len=40, trace=True, name="model", **sizes):
    """One model's subfolder of a recorded folder."""
    vocabulary = with_emotion_tokens() if conditioning == "discrete_token" else EventsVocabulary()
    symbols = vocabulary.symbols
    d_condition = sizes.pop("d_condition", 7)
    if conditioning != "continuous_concat":
        d_condition = -1
    config = {
        "conditioning": conditioning,
        "vocab_size": len(symbols),
        "d_condition": d_condition,
        "dropout": 0.1,
        **sizes,
    }
    state = random_state(config, torch.Generator().manual_seed(seed))
    rng = np.random.default_rng(seed)
    here = folder / name
    here.mkdir(parents=True)
    torch.save(state, here / "model.pt")
    torch.save(mappings_of(vocabulary), here / "mappings.pt")
    torch.save({**config, "overwrite_dropout": False}, here / "model_config.pt")

    io, double = {}, {key: value.double() for key, value in state.items()}
    direction = np.random.RandomState(seed + 5).randn(len(symbols))
    for case, (rows, n) in {"whole": (batch, length), "one": (1, 1), f"pad_b{batch}": (batch, 12)}.items():
        ids = torch.from_numpy(rng.integers(2, BASE, (rows, n)))
        if case.startswith("pad"):
            ids[-1, n - 4 :], ids[0, 5] = PAD, PAD
        values = torch.from_numpy(rng.uniform(-1, 1, (rows, 2)).astype(np.float32))
        with torch.no_grad():
            logits, states = network(state, config, ids, values)
            exact = network(double, config, ids, values)[0].numpy()
        at = np.unique(np.linspace(0, logits.shape[1] - 1, 6).astype(int))
        io |= {
            f"{case}__ids": ids.numpy(), f"{case}__cond": values.numpy(), f"{case}__pos": at,
            f"{case}__logits": logits[:, at].numpy(), f"{case}__lse64": np.logaddexp.reduce(exact, axis=-1),
            f"{case}__proj64": exact @ direction, f"{case}__argmax": logits.argmax(-1).numpy(),
        }  # fmt: skip
        if case.startswith("pad"):
            io |= {f"hidden__{n}": s[:, :5].numpy() for n, s in zip(["posenc", *map("layer{}".format, range(99))], states, strict=False)}  # fmt: skip
    np.savez(here / "io.npz", **io)

    case = f"pad_b{batch}"
    leaves = {key: value.clone().requires_grad_() for key, value in state.items()}
    ids, values = torch.from_numpy(io[f"{case}__ids"]), torch.from_numpy(io[f"{case}__cond"])
    logits = network(leaves, config, ids[:, :-1], values)[0][:, -(ids.shape[1] - 1) :]
    real = ids[:, 1:] != PAD
    loss = F.cross_entropy(logits[real], ids[:, 1:][real])
    loss.backward()
    accuracy = {
        str(k): (logits.topk(k).indices == ids[:, 1:, None]).any(-1)[real].float().mean().item() for k in (1, 5)
    }
    objective = {"case": f"{case}: input, target", "loss": loss.item(), "acc": accuracy}
    objective["grad_l2"] = {key: value.grad.norm().item() for key, value in leaves.items()}
    (here / "meta.json").write_text(json.dumps({"proj_seed": seed + 5, "train_obj": objective}))

    asked, condition = [[0.7, -0.2], [-0.9, 0.5], [0.1, 0.1]][:batch], None
    if conditioning == "discrete_token":
        names = {s: i for i, s in enumerate(symbols)}
        asked = [["<V2>", "<A0>"], ["<V-2>", "<A1>"], ["<V0>", "<A-1>"]][:batch]
        condition = torch.tensor([[names[x] for x in pair] for pair in asked])
    condition = torch.tensor(asked, dtype=torch.float32) if condition is None else condition
    ids = greedy(state, config, condition, gen_len, 1024)
    slid = greedy(state, config, condition, gen_len, 17)
    notes = [decode_strict(row) for row in ids]

    def columns(rows):
        return [
            [n.instrument, n.program, n.instrument == "drums", n.velocity, n.pitch, n.start_s, n.end_s] for n in rows
        ]

    (here / "greedy.json").write_text(json.dumps({
        "gen_len": gen_len, "conditions": None if conditioning == "none" else asked, "ids": ids,
        "notes_in_memory": [columns(rows) for rows in notes],
        # as if the first row had had too few instruments to be written
        "notes_from_file": [[f"{i}.mid", columns(notes_from_file(notes[i]))] for i in range(1, batch)],
        "sliding": {"max_input_len": 17, "ids": slid},
    }))  # fmt: skip
    if trace and conditioning != "discrete_token":
        settings = {"topp": (-1, 0.8, 1.3, 0.9, 0.5, seed), "both": (9, 0.95, 0.8, 1.1, 2.0, seed + 1)}
        rows = {key: sampled(state, config, condition, params, 12) for key, params in settings.items()}
        np.savez(here / "sampler_trace.npz", **{f"{k}__{n}": a for k, found in rows.items() for n, a in found.items()})
    (folder / "parity.json").write_text(json.dumps({"kind": "midi-emotion", "tolerance": TOLERANCE}))
