"""Settings, specs and run ids."""

from __future__ import annotations

import contextlib
import dataclasses
import tomllib

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganbench.core.errors import GanbenchError
from ganbench.core.settings import (
    TABLES,
    flatten,
    merge,
    parse_assignment,
    parse_component,
    parse_seeds,
    parse_stop,
    to_toml,
    unflatten,
)
from ganbench.data.ring import Ring
from ganbench.evaluation.metrics.fid import Fid
from ganbench.methods.archs.mlp import Mlp
from ganbench.spec import run_spec as config
from ganbench.spec.networks import build_once, check_networks
from ganbench.spec.run_spec import apply_overrides, resolve


@pytest.mark.parametrize(
    ("text", "seeds"), [("0", (0,)), ("0-2", (0, 1, 2)), ("0,3,7", (0, 3, 7)), ("5, 0-1", (0, 1, 5)), ("4-4", (4,))]
)
def test_seeds_are_parsed_and_sorted(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "0-", "-1", "3-1", "0,,1", "1,1", "0-2,2", "0-9999", "1.5", "٣", "0" * 30])
def test_invalid_seeds_raise_a_clear_error(text: str) -> None:
    with pytest.raises(GanbenchError, match="seeds"):
        parse_seeds(text)


@given(st.text(max_size=30))
def test_any_text_gives_sorted_seeds_or_a_ganbench_error(text: str) -> None:
    try:
        seeds = parse_seeds(text)
    except GanbenchError:
        return
    assert list(seeds) == sorted(set(seeds))


def test_recipe_of_a_loss_fills_in_options_left_open() -> None:
    spec = resolve({"loss": {"name": "wgan-gp"}, "train": {"critic_lr": 3e-4}})
    assert (spec.train.n_critic, spec.train.generator_lr, spec.train.critic_lr) == (5, 1e-4, 3e-4)
    assert [penalty.to_spec() for penalty in spec.penalties] == [{"name": "gp", "decay": 1.0, "weight": 10.0}]


def test_given_penalties_replace_those_of_the_recipe() -> None:
    assert resolve({"loss": {"name": "wgan-gp"}, "penalty": []}).penalties == ()
    spec = resolve({"loss": {"name": "minimax"}, "penalty": [parse_component("gp:weight=1")]})
    assert spec.penalties[0].to_spec() == {"name": "gp", "decay": 1.0, "weight": 1.0}


def test_epochs_count_passes_of_the_critic() -> None:
    assert resolve({"train": {"epochs": 1, "batch_size": 60}}).train.steps == 1000
    assert resolve({"train": {"epochs": 1, "batch_size": 60, "n_critic": 5}}).train.steps == 200


def test_spec_round_trips_through_toml() -> None:
    for settings in (
        {},
        {"loss": {"name": "wgan-gp"}},
        {"arch": {"name": "dcgan"}, "train": {"steps": 7}},
        {"dataset": {"name": "ring", "modes": 5}, "evaluation": {"stop_on": "collapse", "patience": 3}},
        {"dataset": {"name": "stacked-mnist"}, "protocol": {"name": "selfcond-2020"}},
    ):
        spec = resolve(settings)
        again = resolve(tomllib.loads(to_toml(spec.to_dict())))
        assert again == spec
        assert again.group_id == spec.group_id


def test_run_id_depends_on_every_setting_that_affects_results() -> None:
    spec = resolve({})
    assert spec.run_id(0) == resolve({"loss": {"name": "minimax"}}).run_id(0)
    ids = {
        spec.run_id(0),
        spec.run_id(1),
        spec.group_id,
        resolve({"train": {"batch_size": 65}}).run_id(0),
        resolve({"arch": {"name": "mlp", "slope": 0.1}}).run_id(0),
        resolve({"penalty": [{"name": "gp"}]}).run_id(0),
        resolve({"evaluation": {"every": 123}}).run_id(0),
        resolve({"evaluation": {"stop_on": "collapse"}}).run_id(0),
        resolve({"dataset": {"name": "fashion-mnist"}}).run_id(0),
        resolve({"dataset": {"name": "ring"}}).run_id(0),
        resolve({"dataset": {"name": "ring", "sigma": 0.02}}).run_id(0),
        resolve({"dataset": {"name": "ring"}, "protocol": {"name": "pacgan-2018"}}).run_id(0),
    }
    assert len(ids) == 12


def test_option_added_later_is_in_the_spec_only_if_it_is_used() -> None:
    """Runs without the option keep their ids."""
    without, unused, used = (
        resolve({"dataset": {"name": "ring"}, "arch": {"name": "mlp", **options}})
        for options in ({}, {"generator_norm": "none"}, {"generator_norm": "batch"})
    )
    assert without == unused
    assert "generator_norm" not in unused.to_dict()["arch"]
    assert (unused.group_id, unused.run_id(3)) == (without.group_id, without.run_id(3))
    assert used.to_dict()["arch"] == {**without.to_dict()["arch"], "generator_norm": "batch"}
    assert used.run_id(3) != without.run_id(3)
    assert resolve(tomllib.loads(to_toml(used.to_dict()))) == used


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "stacked-mnist"])
def test_mlp_is_normalised_on_images_and_a_recorded_spec_keeps_its_networks(dataset: str) -> None:
    """An option added later is left out at the architecture's default, though the data set has another one."""
    plain = resolve({"dataset": {"name": dataset}, "arch": {"name": "mlp", "generator_norm": "none"}})
    suited = resolve({"dataset": {"name": dataset}, "arch": {"name": "mlp"}})
    assert suited.to_dict()["arch"] == {**plain.to_dict()["arch"], "generator_norm": "batch"}
    for spec in (plain, suited):
        assert resolve(spec.to_dict()) == spec
        assert resolve(unflatten({key: str(value) for key, value in flatten(spec.to_dict()).items()})) == spec
    assert resolve(apply_overrides(plain.to_dict(), {"dataset": {"name": "fashion-mnist"}})).arch == plain.arch
    on_ring = apply_overrides(suited.to_dict(), {"dataset": {"name": "ring"}})
    assert resolve(on_ring).arch == resolve({"dataset": {"name": "ring"}}).arch
    assert resolve(apply_overrides(on_ring, {"dataset": {"name": dataset}})).arch == suited.arch


def test_run_without_normalisation_keeps_the_id_it_had_before_there_was_any() -> None:
    spec = resolve({"arch": {"name": "mlp", "generator_norm": "none"}})
    assert spec.run_id(0) == "f5283c99ae43"


def test_run_id_depends_on_versions_of_data_protocol_evaluator_and_results(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = resolve({})
    before = spec.run_id(0)
    with monkeypatch.context() as patch:
        patch.setattr(type(spec.dataset), "version", 2)
        assert spec.run_id(0) != before
    with monkeypatch.context() as patch:
        patch.setattr(type(spec.protocol), "version", 2)
        assert spec.run_id(0) != before
    with monkeypatch.context() as patch:
        patch.setattr(type(spec.dataset), "evaluator_sha256", "another evaluator")
        assert spec.run_id(0) != before
    with monkeypatch.context() as patch:
        patch.setattr(config, "RESULTS_VERSION", config.RESULTS_VERSION + 1)
        assert spec.run_id(0) != before
    with monkeypatch.context() as patch:
        # As if a metric of the protocol came from a plug-in, whose code has no version.
        patch.setattr(Fid, "is_foreign", classmethod(lambda cls: True))
        assert spec.run_id(0) != before
    assert spec.run_id(0) == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": {"name": "minmax"}}, "unknown loss 'minmax': did you mean 'minimax'"),
        ({"arch": {"name": "resent"}}, "unknown architecture 'resent': did you mean 'resnet'?"),
        ({"trian": {}}, "no setting 'trian': did you mean 'train'"),
        ({"train": {"step": 3}}, "no option 'step': did you mean 'steps'"),
        ({"train": {"steps": 0}}, "steps must be at least 1"),
        ({"train": {"steps": "many"}}, "is not a number like 400k"),
        ({"train": {"steps": True}}, "must be a whole number"),
        ({"train": {"steps": 1.5}}, "must be a whole number"),
        ({"train": {"steps": 5, "epochs": 1}}, "give one budget, not steps and epochs"),
        ({"train": {"epochs": -1}}, "above 0"),
        ({"train": {"epochs": float("nan")}}, "above 0"),
        ({"train": {"batch_size": 60_001}}, "larger than the data set"),
        ({"train": {"critic_lr": float("nan")}}, "must be finite"),
        ({"train": {"critic_lr": 0.0}}, "critic_lr must be above 0"),
        ({"penalty": [{"name": "gp", "weight": -1}]}, "weight must not be negative"),
        ({"penalty": [{"name": 3}]}, "must be text as on the command line"),
        ({"penalty": [[]]}, "must be text as on the command line"),
        ({"train": {"critic_betas": [0.5]}}, "two numbers"),
        ({"train": {"critic_betas": [0.5, 1.0]}}, "two numbers in"),
        ({"train": 3}, "must be a table"),
        ({"evaluation": {"quick_samples": 10}}, "quick_samples must be at least 500"),
        ({"evaluation": {"quick_samples": 20_000}}, "can't be more than samples"),
        ({"evaluation": {"samples": 70_000}}, "can't be more than the 60000"),
        ({"evaluation": {"every": 0}}, "every must be at least 1"),
        ({"evaluation": {"patience": 0}}, "patience must be at least 1"),
        ({"evaluation": {"stop_on": "sunset"}}, "stop_on must be one of never, collapse, not sunset"),
        ({"dataset": {"name": "rind"}}, "unknown dataset 'rind': did you mean 'ring'"),
        ({"dataset": {"name": "ring", "modes": 1}}, "modes must be at least 2"),
        ({"dataset": {"name": "ring", "mode": 5}}, "no option 'mode': did you mean 'modes'"),
        ({"dataset": {"name": "mnist", "digits": 3}}, "it has no options"),
        ({"dataset": {"name": "ring", "points": 100}}, "larger than the data set (ring has 100 samples)"),
        ({"dataset": {"name": "ring"}, "arch": {"name": "dcgan"}}, "can't be built: dcgan makes square images"),
        ({"protocol": {"name": "ganbench-3"}}, "unknown protocol 'ganbench-3': did you mean 'ganbench-2'"),
        ({"protocol": {"name": "pacgan-2018"}}, "'pacgan-2018' doesn't cover mnist: it is for grid, ring"),
        (
            {"protocol": {"name": "pacgan-2018"}, "dataset": {"name": "ring", "radius": 2.0}},
            "'pacgan-2018' fixes radius of ring at 1.0, not 2.0",
        ),
        ({"arch": {"name": "mlp", "latent_dim": 0}}, "latent_dim must be at least 1"),
        ({"arch": {"name": "mlp", "generator_widths": [8, 0]}}, "must be at least 1"),
        ({"arch": {"name": "mlp", "generator_widths": 8}}, "must be a list"),
        ({"penalty": 7}, "must be text as on the command line"),
        ({"penalty": [{"name": "gp", "weight": "heavy"}]}, "must be a number"),
        ({"loss": {"name": 3}}, "must be a word"),
    ],
)
def test_invalid_settings_give_a_one_line_error(settings: dict[str, object], message: str) -> None:
    with pytest.raises(GanbenchError) as error:
        resolve(settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)


@hypothesis.settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*TABLES, "x"]), json_values, max_size=3))
def test_any_settings_give_a_spec_or_a_ganbench_error(settings: dict[str, object]) -> None:
    with contextlib.suppress(GanbenchError):
        resolve(settings)


named = st.sampled_from(["ring", "grid", "imbalanced-ring", "stacked-mnist", "mnist", "pacgan-2018", "meg-2019"])
options = st.sampled_from(["modes", "radius", "sigma", "points", "power", "side", "triples", "digits", "frame"])
small_values = st.integers(-1, 9) | st.floats(-1, 9) | st.booleans() | st.sampled_from(["train", "28", "x"])


# Networks are built to check that they fit, which has no fixed time limit.
@hypothesis.settings(deadline=None, max_examples=50)
@given(named, st.dictionaries(options, small_values, max_size=3), st.none() | named)
def test_any_data_set_and_protocol_give_a_spec_or_a_ganbench_error(
    dataset: str, values: dict[str, object], protocol: str | None
) -> None:
    settings: dict[str, object] = {"dataset": {"name": dataset, **values}}
    settings |= {"protocol": {"name": protocol}} if protocol else {}
    with contextlib.suppress(GanbenchError):
        spec = resolve(settings)
        assert resolve(tomllib.loads(to_toml(spec.to_dict()))).run_id(0) == spec.run_id(0)


def test_components_and_assignments_are_parsed_as_toml_values() -> None:
    assert parse_component("mlp:latent_dim=64,generator_widths=[8, 9],slope=1e-4") == {
        "name": "mlp",
        "latent_dim": 64,
        "generator_widths": [8, 9],
        "slope": 1e-4,
    }
    assert parse_assignment("train.steps=500") == {"train": {"steps": 500}}
    assert parse_assignment("loss.name=minimax") == {"loss": {"name": "minimax"}}
    for invalid in ("steps=5", "train.steps", ".=3", "a.b.c=1"):
        with pytest.raises(GanbenchError, match=r"table\.option=value"):
            parse_assignment(invalid)
    with pytest.raises(GanbenchError, match="name:option=value"):
        parse_component("gp:weight")


@pytest.mark.parametrize(
    ("text", "value"),
    [(".05", 0.05), ("-.5", -0.5), ("5.", 5.0), (".5e-3", 0.0005), (".", "."), (".5.", ".5."), ("e5", "e5")],
)
def test_numbers_are_read_as_people_write_them(text: str, value: object) -> None:
    assert parse_assignment(f"train.lr_decay={text}") == {"train": {"lr_decay": value}}
    assert parse_component(f"gp:weight={text}")["weight"] == value


def test_later_settings_override_earlier_ones() -> None:
    merged = merge([{"a": {"x": 1, "y": 2}, "p": [1]}, {"a": {"y": 3}, "p": []}])
    assert merged == {"a": {"x": 1, "y": 3}, "p": []}


def test_flattened_specs_name_components_by_their_kind() -> None:
    flat = flatten(resolve({"loss": {"name": "wgan-gp"}}).to_dict())
    assert flat["loss"] == "wgan-gp"
    assert flat["penalty"] == "gp:decay=1.0,weight=10.0"
    assert flat["train.n_critic"] == 5


DUMP = {**resolve({"train": {"steps": 9, "critic_lr": 7e-4, "batch_size": 32}}).to_dict()}


def test_overriding_the_loss_of_a_full_spec_applies_its_recipe() -> None:
    spec = resolve(apply_overrides(DUMP, {"loss": {"name": "wgan-gp"}}))
    assert [penalty.name for penalty in spec.penalties] == ["gp"]
    assert (spec.train.n_critic, spec.train.critic_lr, spec.train.critic_betas) == (5, 1e-4, (0.0, 0.9))
    assert (spec.train.steps, spec.train.batch_size) == (9, 32), "options outside the recipe are kept"
    back = resolve(apply_overrides(spec.to_dict(), {"loss": {"name": "minimax"}}))
    assert back.penalties == ()
    assert (back.train.n_critic, back.train.critic_lr) == (1, 2e-4)


def test_overriding_the_data_set_of_a_full_spec_applies_its_defaults() -> None:
    dump = resolve({"dataset": {"name": "ring"}}).to_dict()
    on_mnist = resolve(apply_overrides(dump, {"dataset": {"name": "mnist"}}))
    default_mnist = resolve({"dataset": {"name": "mnist"}})
    assert on_mnist.arch == default_mnist.arch
    assert dataclasses.replace(on_mnist.train, steps=1) == dataclasses.replace(default_mnist.train, steps=1)
    back = resolve(apply_overrides(on_mnist.to_dict(), {"dataset": {"name": "ring"}}))
    assert back.train == resolve({"dataset": {"name": "ring"}}).train, "the requested budget is kept"


def test_name_is_not_accepted_as_an_option() -> None:
    with pytest.raises(GanbenchError, match="the name comes before the colon"):
        parse_component("minimax:name=hinge")


def test_overriding_with_the_same_loss_changes_nothing() -> None:
    assert resolve(apply_overrides(DUMP, {"loss": {"name": "minimax"}})) == resolve(DUMP)
    assert resolve(apply_overrides({"train": {"critic_lr": 1.0}}, {"loss": {"name": "wgan-gp"}})).train.critic_lr == 1.0


def test_overriding_the_architecture_applies_its_defaults() -> None:
    assert resolve(apply_overrides(DUMP, {"arch": {"name": "dcgan"}})).arch.to_spec()["critic_width"] == 32


def test_defaults_of_a_data_set_can_be_overridden() -> None:
    ring = resolve({"dataset": {"name": "ring"}})
    defaults = Ring.defaults["train"]
    assert defaults["batch_size"] == ring.train.batch_size != resolve({}).train.batch_size
    assert ring.train.steps == round(defaults["epochs"] * Ring().points / defaults["batch_size"])
    assert ring.arch.to_spec()["latent_dim"] == Ring.defaults["arch"]["mlp"]["latent_dim"] != 5
    assert ring.evaluation.samples == 50_000, "the sample count is that of the protocol"
    overridden = resolve(
        {"dataset": {"name": "ring"}, "arch": {"name": "mlp", "latent_dim": 5}, "train": {"batch_size": 100}}
    )
    assert (overridden.train.batch_size, overridden.arch.to_spec()["latent_dim"]) == (100, 5)
    assert overridden.train.steps == round(defaults["epochs"] * Ring().points / 100)
    assert resolve({"dataset": {"name": "ring"}, "train": {"epochs": 1, "batch_size": 100}}).train.steps == 1000
    assert resolve({"dataset": {"name": "ring"}, "train": {"steps": 7}}).train.steps == 7


def test_protocol_fixes_data_set_options_and_sample_count() -> None:
    spec = resolve({"dataset": {"name": "ring"}, "protocol": {"name": "selfcond-2020"}})
    assert spec.dataset.to_spec()["radius"] == 2.0
    assert spec.protocol_label == "selfcond-2020 v1"
    stacked = {"name": "stacked-mnist"}
    specs = {name: resolve({"dataset": stacked, "protocol": {"name": name}}) for name in ("meg-2019", "selfcond-2020")}
    assert {
        name: (spec_of_protocol.dataset.shape, spec_of_protocol.evaluation.samples)
        for name, spec_of_protocol in specs.items()
    } == {
        "meg-2019": ((3, 28, 28), 26_000),
        "selfcond-2020": ((3, 32, 32), 50_000),
    }
    fewer = resolve({"dataset": {"name": "ring"}, "evaluation": {"samples": 3000}})
    assert fewer.protocol_label == "ganbench-2 v1 at N=3,000", "a different sample count is part of the label"


def test_overriding_data_set_or_protocol_resets_the_sample_count() -> None:
    spec = resolve(apply_overrides(DUMP, {"dataset": {"name": "ring"}}))
    assert (spec.evaluation.samples, spec.train.steps) == (50_000, 9)
    again = resolve(apply_overrides(spec.to_dict(), {"protocol": {"name": "pacgan-2018"}}))
    assert (again.evaluation.samples, again.evaluation.quick_samples) == (2_500, 2_000)


def test_stop_condition_is_parsed() -> None:
    assert parse_stop("collapse") == {"stop_on": "collapse"}
    assert parse_stop("collapse:3") == {"stop_on": "collapse", "patience": 3}
    for invalid in ("", "collapse:", "collapse:x", "collapse:-1", ":3", "a b"):
        with pytest.raises(GanbenchError, match="should read collapse"):
            parse_stop(invalid)


def test_epochs_override_steps_and_steps_override_epochs() -> None:
    assert resolve(apply_overrides(DUMP, {"train": {"epochs": 1}})).train.steps == 60_000 // 32
    assert resolve(apply_overrides({"train": {"epochs": 1}}, {"train": {"steps": 5}})).train.steps == 5


def test_specs_with_the_same_networks_build_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    build_once.cache_clear()
    built = list[Mlp]()
    generator = Mlp.generator

    def counted(arch: Mlp, shape: tuple[int, ...]) -> nn.Module:
        built.append(arch)
        return generator(arch, shape)

    monkeypatch.setattr(Mlp, "generator", counted)
    for loss in ("minimax", "hinge"):
        resolve({"loss": {"name": loss}})
    assert len(built) == 1
    for settings in ({"arch": {"name": "mlp", "latent_dim": 7}}, {"dataset": {"name": "ring"}}, {"train": {"pac": 2}}):
        before = len(built)
        resolve(settings)
        assert len(built) == before + 1, settings
    for _ in range(2):  # what can't be built is refused each time
        with pytest.raises(GanbenchError, match="can't be built"):
            resolve({"dataset": {"name": "ring"}, "arch": {"name": "dcgan"}})


def test_networks_that_keep_a_list_are_built_each_time() -> None:
    class Lists(Mlp):
        def __hash__(self) -> int:  # as of a plug-in whose fields are lists
            return hash([])

        def critic(self, shape: tuple[int, ...]) -> nn.Module:
            raise ValueError("no critic")

    build_once.cache_clear()
    with pytest.raises(GanbenchError, match="can't be built: no critic"):
        check_networks(Lists(), (), (1, 28, 28), pac=1, packs=64, latents=2)
    assert build_once.cache_info().misses == 0
