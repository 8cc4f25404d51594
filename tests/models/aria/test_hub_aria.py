import json
import pickle
import zipfile

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from published_checkpoints import CONDITIONINGS  # noqa: E402

from klangbild import hub  # noqa: E402
from klangbild.cli.main import main  # noqa: E402
from klangbild.errors import InputError, NotAvailableError, UsageError  # noqa: E402
from klangbild.hub_weights_torch import read_content  # noqa: E402
from klangbild.models.aria import card as hub_aria  # noqa: E402
from klangbild.models.aria.convert_torch import convert, read_checkpoint  # noqa: E402
from klangbild.models.aria.runtime_torch import TorchEventsModel  # noqa: E402
from klangbild.models.aria.weights import load_foreign, open_part, split_precision  # noqa: E402


class Malicious:
    def __reduce__(self):
        return (print, ("this must never run",))


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_converted_and_run_without_torch(checkpoint, models_home, rng, conditioning):
    folder, network = checkpoint(conditioning)
    converted = convert(folder, name="mine")
    assert converted.path == models_home / "mine"
    assert converted.config["conditionings"][conditioning]["parameters"] == sum(p.numel() for p in network.parameters())
    model = open_part(hub.from_pretrained("mine"), conditioning)
    reference = TorchEventsModel(network, model.vocabulary)
    ids = rng.integers(2, 1007, (2, 40))
    condition = np.array([[0.5, -0.3, 1.0], [-0.9, 0.9, 1.0]])
    for one in (model, reference):
        one.start(2)
    for begin, end in ((0, 1), (1, 2), (2, 30), (30, 31), (31, 40)):
        ours = model.step(ids[:, begin:end], condition)
        theirs = reference.step(ids[:, begin:end], condition)
        assert np.abs(ours - theirs).max() < 1e-4
    rounded = open_part(hub.from_pretrained("mine"), conditioning, precision="int8")
    rounded.start(2)
    error = rounded.step(ids, condition) - theirs
    assert 0 < np.sqrt((error**2).mean()) < 0.05 * theirs.std()


def test_precisions_that_go_through_torch(checkpoint, models_home, rng):
    convert(checkpoint("continuous_token")[0], name="mine")
    ids, condition = rng.integers(2, 1007, (1, 20)), np.array([[0.5, -0.3]])
    exact = load_foreign("mine", "continuous_token").model.step(ids, condition)
    coarse = load_foreign("mine:bfloat16", "continuous_token", device="auto").model
    assert isinstance(coarse, TorchEventsModel) and coarse.network.fc.weight.dtype == torch.bfloat16
    assert 0 < np.abs(coarse.step(ids, condition) - exact).max() < 0.1 * exact.std()
    assert not isinstance(load_foreign("mine:int8", "continuous_token", device="auto").model, TorchEventsModel)
    with pytest.raises(UsageError, match="--device cuda"):
        load_foreign("mine:float16", "continuous_token")
    with pytest.raises(UsageError, match="int8 is for the CPU"):
        load_foreign("mine:int8", "continuous_token", device="cuda")
    if not torch.cuda.is_available():
        with pytest.raises(NotAvailableError, match="no CUDA device"):
            load_foreign("mine", "continuous_token", device="cuda")


def test_aria_layout_card_and_show(checkpoint, models_home, capsys):
    for conditioning in CONDITIONINGS[:3]:
        source = checkpoint(conditioning)[0].parent
    assert main(["models", "add", "aria", "--from", str(source)]) == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(models_home / "aria")
    assert "GPL-3.0" in err and "MIT" in err
    card = (models_home / "aria" / "README.md").read_text()
    assert "GPL-3.0" in card and all(f"`{name}`" in card for name in CONDITIONINGS[:3])
    assert str(source.parent) not in card
    assert main(["models", "show", "aria", "--check"]) == 0
    shown = capsys.readouterr().out
    assert "GPL-3.0" in shown and "output use" in shown
    assert main(["models", "list", "--json"]) == 0
    names = [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()]
    assert "aria" in names
    assert main(["models", "path", "aria"]) == 0
    assert capsys.readouterr().out.strip() == str(models_home / "aria")
    assert main(["models", "add", "aria", "--from", str(source)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main(["models", "add", "aria", "--from", str(source), "--overwrite"]) == 0
    loaded = load_foreign("aria:int8", "discrete_token", sampler="midi-emotion")
    assert loaded.language.size == 1017 and loaded.model.window == "exact"
    assert loaded.facts["licence"] == hub_aria.LICENCE and len(loaded.facts["sha256"]) == 64
    with pytest.raises(UsageError, match="has only"):
        load_foreign("aria", "none")
    with pytest.raises(UsageError, match="commercial"):
        load_foreign("aria", "discrete_token", commercial=True)


def test_offline_says_so(models_home, capsys):
    assert main(["models", "add", "aria"]) == 4
    assert "offline" in capsys.readouterr().err
    assert main(["models", "pull", "aria"]) == 4
    assert main(["models", "show", "aria"]) == 4
    assert "models add aria" in capsys.readouterr().err
    with pytest.raises(NotAvailableError, match="models add"):
        load_foreign("aria", "continuous_concat")
    assert main(["models", "pull", "nonsense"]) == 2


def test_malicious_and_damaged_pickles_are_refused(checkpoint, tmp_path, capsys):
    folder, _ = checkpoint()
    whole = (folder / "model.pt").read_bytes()
    bad = tmp_path / "bad.pt"
    torch.save({"a": Malicious()}, bad)
    with pytest.raises(InputError, match="could run code"):
        read_content(bad)
    bad.write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(InputError):
        read_content(bad)
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Malicious(), protocol=2))
        archive.writestr("archive/version", "3\n")
    with pytest.raises(InputError):
        read_content(bad)
    for data in (b"", b"PK", b"hello", whole[: len(whole) // 2], whole[:-30], whole[100:]):
        bad.write_bytes(data)
        with pytest.raises(InputError, match=r"bad\.pt"):
            read_content(bad)
    assert "never run" not in capsys.readouterr().out


def test_what_does_not_fit_together_is_refused(checkpoint, models_home, tmp_path):
    folder, network = checkpoint()
    state = network.state_dict()

    def save(changed):
        torch.save(changed, folder / "model.pt")

    save({name: t for name, t in state.items() if name != "fc.bias"})
    with pytest.raises(InputError, match=r"lacks fc\.bias"):
        read_checkpoint(folder)
    save({**state, "extra": torch.zeros(1)})
    with pytest.raises(InputError, match="has extra"):
        read_checkpoint(folder)
    save({**state, "fc.bias": torch.zeros(5)})
    with pytest.raises(InputError, match=r"fc\.bias is"):
        read_checkpoint(folder)
    save({**state, "fc.bias": torch.full((1007,), torch.nan)})
    with pytest.raises(InputError, match="NaN"):
        convert(folder, name="broken")
    assert not (models_home / "broken").exists() and not list(models_home.glob(".*"))
    save([1, 2])
    with pytest.raises(InputError, match="plain set"):
        read_checkpoint(folder)
    config = torch.load(folder / "model_config.pt", weights_only=True)
    torch.save({**config, "regression": True}, folder / "model_config.pt")
    with pytest.raises(InputError, match="composes nothing"):
        convert(folder, name="judge")
    torch.save({"n_layer": 2}, folder / "model_config.pt")
    with pytest.raises(InputError, match="lacks conditioning"):
        read_checkpoint(folder)
    with pytest.raises(NotAvailableError, match="no such folder"):
        convert(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"no model\.pt"):
        convert(tmp_path)


def test_a_changed_file_is_noticed(checkpoint, models_home):
    folder, _ = checkpoint()
    convert(folder, name="mine")
    file = models_home / "mine" / "continuous_concat" / "model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(InputError, match="add the model again"):
        hub.from_pretrained("mine").verify()
    file.write_bytes(data[:-1])
    with pytest.raises(InputError, match="cut off"):
        hub.from_pretrained("mine")
    (models_home / "mine" / "config.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        hub.from_pretrained("mine")


def test_a_folder_of_the_same_name_does_not_hide_an_added_model(checkpoint, models_home, tmp_path, monkeypatch):
    folder, _ = checkpoint()
    convert(folder / "model.pt", name="aria")  # a file of the folder will do
    (tmp_path / "aria").mkdir()
    monkeypatch.chdir(tmp_path)
    assert hub.from_pretrained("aria").path == models_home / "aria"
    with pytest.raises(InputError, match="not a model folder"):
        hub.from_pretrained("./aria")
    with pytest.raises(NotAvailableError):
        hub.from_pretrained("other")


def test_names():
    assert split_precision("aria:int8") == ("aria", "int8")
    assert split_precision("C:\\models\\aria") == ("C:\\models\\aria", "float32")
    assert hub.is_hub_id("vincentamato/ARIA") and not hub.is_hub_id("aria")
    assert hub.check_name("aria") == "aria"
    for name in ("../x", "", "klangbild", "notes-none"):
        with pytest.raises(UsageError):
            hub.check_name(name)
