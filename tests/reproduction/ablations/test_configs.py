"""The matrix: what each member changes, that a killed run goes on, and what becomes a number; attention on trial."""

import json
import re
from dataclasses import asdict, replace

import pytest
import torch
from figure_texts import house_style, texts  # noqa: F401
from made_numbers import number_of
from scipy import stats
from small_run import drawn_store

from colorstyle_lib import paths
from colorstyle_lib.cli.main import parser
from colorstyle_lib.color import rgb_to_lab
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.errors import ConfigError, DataError
from colorstyle_lib.metrics.bootstrap import Estimate, bootstrap
from colorstyle_lib.model.content import gray_content
from colorstyle_lib.model.generator import Generator, save_generator
from colorstyle_lib.model.modalities import MODALITIES
from colorstyle_lib.model.pretrained import pretrained_efficientnet_lite0
from colorstyle_lib.reproduction.ablations import run as ablation_run
from colorstyle_lib.reproduction.ablations.configs import ABLATIONS, BASE, COMPARISONS, LONG, SMALL
from colorstyle_lib.reproduction.ablations.effects import (
    attention_numbers,
    effect_numbers,
    effects_in,
    is_decided,
    level_numbers,
    matrix_attention_numbers,
    print_effects,
)
from colorstyle_lib.reproduction.ablations.run import (
    LOG,
    ValidationSet,
    cost_of,
    load_material,
    measure,
    new_learner,
    read_matrix,
    run_matrix,
    train_member,
)
from colorstyle_lib.reproduction.baselines.method import GRAY
from colorstyle_lib.reproduction.benchmarks.attention_faithfulness import (
    attention_columns,
    attention_statistics,
    deviation_of,
    override_columns,
    rank_correlation_of,
    swapped,
)
from colorstyle_lib.reproduction.figures.from_results import ablation_effects
from colorstyle_lib.reproduction.results.store import SPREAD, Number, Provenance, read_lines, read_results

SHOW = "colorstyle ablations show"


def exam(n: int = 3) -> ValidationSet:
    return ValidationSet("all", synthetic.scenes(n, 64, seed=5).rgb, synthetic.scenes(n, 96, seed=5).rgb)


def attentive(seed: int = 0, **changes: object) -> Generator:
    """A small generator whose attention has something to say: its energies start at 0 otherwise."""
    torch.manual_seed(seed)
    generator = Generator(ABLATIONS["base"].preset.generator)
    with torch.no_grad():
        for level in generator.steering.values():
            for layer in (*level.energy, level.modulation):
                layer.weight.normal_(0, 0.5)
    return generator.eval().requires_grad_(False)


@pytest.fixture
def own_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RUNS", tmp_path / "runs")
    return tmp_path


def flat(name: str) -> dict:
    preset = asdict(ABLATIONS[name].preset)
    return {f"{part}.{k}": v for part in ("generator", "discriminator", "training") for k, v in preset[part].items()}


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("no_attention", {"generator.attention", "discriminator.attention"}),
        ("uniform_attention", set()),
        ("attention_in_g", {"discriminator.attention"}),
        ("attention_in_d", {"generator.attention"}),
        ("without_color", {"generator.modalities", "discriminator.modalities"}),
        ("only_shape", {"generator.modalities", "discriminator.modalities"}),
        ("no_discriminator", {"training.objective"}),
        ("no_warm_up", {"training.supervised", "training.catch_up"}),
        ("bins", {"generator.colors", "generator.temperature"}),
        ("bins_alone", {"training.objective"}),
        ("adam_printed", {"training.optimizer", "training.learning_rate", "training.discriminator_learning_rate"}),
        ("relativistic", {"training.objective"}),
        ("specialist", {"training.tasks"}),
    ],
)
def test_a_member_changes_what_its_name_says_and_nothing_else(name: str, changed: set[str]):
    mine, other = flat(name), flat(ABLATIONS[name].against)
    assert {key for key in mine if mine[key] != other[key]} == changed


def test_every_claim_of_the_matrix_has_members_and_every_comparison_two_sides():
    assert {a.claim for a in ABLATIONS.values()} == {"", "C1", "C2", "C3", "C6", "C7"}
    for comparison in COMPARISONS.values():
        assert {comparison.one[0], comparison.other[0]} <= {*ABLATIONS, GRAY.name}


@pytest.mark.parametrize("name", ["uniform_attention", "fixed_attention"])
def test_held_attention_stays_where_it_is_while_the_rest_learns(name: str):
    weights = ABLATIONS[name].held
    learner = new_learner(ABLATIONS[name], drawn_store(size=60), 0)
    before = learner.state.generator.head.weight.clone()
    for step in range(4):
        learner.gradient_step(learner.draw(step), step, step, 4)  # the last two with an adversary
    lab = rgb_to_lab(synthetic.scenes(2, 64, seed=5).rgb)
    generator = learner.state.average
    _, alphas = generator.forward_features(gray_content(lab[:, :1]), generator.describe_reference(lab))
    _, evidence = learner.state.discriminator.eval().weigh(lab)
    expected = torch.tensor([weights[m] for m in MODALITIES]) / sum(weights.values())
    for alpha in (*alphas.values(), *evidence.values()):
        torch.testing.assert_close(alpha.mean((0, 2, 3)), expected)
    assert not torch.equal(before.cpu(), learner.state.generator.head.weight.cpu())


def test_a_training_repeats_itself_and_its_seed_matters():
    store, pictures = drawn_store(size=60), exam(2).squares
    answers = [train_member(ABLATIONS[BASE], store, seed=s, steps=2)[0].color(pictures) for s in (0, 0, 1)]
    assert torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[0], answers[2])


def test_a_killed_matrix_goes_on_and_repeats_nothing(own_runs, monkeypatch):
    store, folder, trained = drawn_store(size=60), own_runs / "matrix", []
    monkeypatch.setattr(ablation_run, "cost_of", lambda member, *_: 2.0 if member.name == "no_attention" else 1.0)

    def dies_at_the_third(member, *arguments, **options):
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append((member.name, options["seed"], options["steps"]))
        return train_member(member, *arguments, **options)

    asked = replace(SMALL, members=["base", "no_attention"], seeds=2, steps=2)
    with monkeypatch.context() as patch:
        patch.setattr(ablation_run, "train_member", dies_at_the_third)
        with pytest.raises(KeyboardInterrupt):
            run_matrix(store, exam(), folder, asked)
    assert trained == [("base", 0, 2), ("base", 1, 2)]
    first = (folder / "log.jsonl").read_text()
    assert [(line["ablation"], line["seed"]) for line in read_lines(folder / LOG)] == [("base", 0), ("base", 1)]

    lines = run_matrix(store, exam(), folder, asked)
    whole = (folder / "log.jsonl").read_text()
    assert whole.startswith(first)
    assert [(line["ablation"], line["seed"]) for line in lines] == [
        ("base", 0),
        ("base", 1),
        ("no_attention", 0),
        ("no_attention", 1),
    ]
    assert not list(folder.glob(".*"))

    def never(*_, **__):
        raise AssertionError("it was trained before")

    monkeypatch.setattr(ablation_run, "train_member", never)
    assert run_matrix(store, exam(), folder, asked) == lines
    assert (folder / "log.jsonl").read_text() == whole
    with pytest.raises(AssertionError, match="trained before"):  # another budget is another matrix
        run_matrix(store, exam(), folder, replace(SMALL, members=["base"], seeds=1, steps=3))

    matrix = read_matrix(folder)
    numbers = level_numbers(matrix) + effect_numbers(matrix) + matrix_attention_numbers(matrix)
    effects = effects_in(numbers)
    assert list(dict.fromkeys(c.name for c, _ in effects)) == [
        c for c in COMPARISONS if f"ablation.{c}" in str(numbers)
    ]
    one = effects[COMPARISONS["no_attention"], "psnr_ab"]
    columns = matrix.columns
    each = [(columns["no_attention"][s]["psnr_ab"] - columns["base"][s]["psnr_ab"]).mean().item() for s in (0, 1)]
    assert one.by_seed == pytest.approx(each, abs=1e-4)
    assert one.value == pytest.approx(sum(each) / 2, abs=1e-4)
    assert one.interval[0] <= one.value <= one.interval[1]
    # Without attention nothing carries a reference's color: deleting it is no news to the base's automatic answers.
    assert {c.name for c, _ in effects} >= {"gray", "no_attention", "swap_color", "drop_texture"}
    assert effects[COMPARISONS["swap_color"], "psnr_ab"].value == 0
    by_key = {number.key: number for number in numbers}
    assert len(by_key) == len(numbers)
    difference = by_key["all/ablation.no_attention/psnr_ab_minus_base"]
    assert (difference.n, difference.seeds, difference.weights) == (3, (0, 1), None)
    assert difference.by_seed == pytest.approx(each, abs=1e-3)
    assert "2 trainings of 1 steps" in difference.note
    assert "2 trainings of 2 steps" in difference.note
    assert difference.command == "colorstyle ablations run --data ROOT --steps 2 --seeds 2 --pictures 3; " + SHOW
    own = by_key["all/ablation.base/psnr_ab"]
    assert own.by_seed == pytest.approx([columns["base"][s]["psnr_ab"].mean().item() for s in (0, 1)], rel=1e-3)
    assert by_key["all/ablation.gray/psnr_ab"].by_seed == ()
    spread = by_key["all/ablation.no_attention/psnr_ab_minus_base_seed_sd"]
    assert spread.value == pytest.approx(abs(each[0] - each[1]) / 2**0.5, abs=1e-4)
    assert spread.interval is None
    assert -1 <= by_key["all/attention.matrix/reference_seed_rank_correlation_color"].value <= 1
    assert "all/attention.matrix/automatic_weight_color" not in by_key  # a gray picture has none

    figure = ablation_effects(effects)
    assert {"C2  no attention", "C3  shape deleted at test"} <= set(texts(figure))
    assert "one longer training" not in texts(figure)
    (folder / f"{matrix.lines[0]['columns']}.safetensors").unlink()
    with pytest.raises(DataError, match="missing or damaged"):
        read_matrix(folder)


def test_a_longer_run_has_addresses_of_its_own_and_says_whether_it_agrees(own_runs, capsys):
    store, folder = drawn_store(size=60), own_runs / "matrix_long"
    assert read_matrix(folder, LONG) is None
    run_matrix(store, exam(), folder, replace(LONG, members=["base", "no_discriminator"], steps=2))
    long = read_matrix(folder, LONG)
    numbers = level_numbers(long) + effect_numbers(long)
    by_key = {n.key: n for n in numbers}
    one = by_key["all/ablation_long.no_discriminator/reference_psnr_ab_minus_base"]
    assert one.command == "colorstyle ablations run --long --data ROOT --steps 2 --pictures 3; " + SHOW
    assert (one.mode, one.seeds, one.by_seed) == ("long", (0,), ())
    assert re.search(r"one training of \d+ steps, \d\S* processor minutes each.*one seed", one.note)
    assert not any(key.endswith(SPREAD) for key in by_key)
    again = effects_in(numbers, LONG)
    assert again
    assert not effects_in(numbers)
    small = [replace(n, method=n.method.replace(LONG.method, SMALL.method), seeds=(0, 1)) for n in again.values()]
    capsys.readouterr()
    print_effects(numbers + small)
    table = capsys.readouterr().out.splitlines()
    row = next(i for i, line in enumerate(table) if line.startswith("ablation.no_discriminator"))
    assert table[row + 1].startswith("ablation_long.no_discriminator")
    assert "*" not in table[row + 1]  # one training decides nothing
    figure = ablation_effects(effects_in(small), again)
    assert "one longer training" in texts(figure)


def effect(low: float, high: float, *each: float) -> Number:
    estimate, here = Estimate((low + high) / 2, float(low), float(high), 9), Provenance("c", "small", "x", "CPU")
    seeds = tuple(range(len(each))) or (0,)
    return number_of(
        "psnr_ab_minus_base", "ablation.x", "all", estimate, here, seeds=seeds, by_seed=tuple(map(float, each))
    )


def test_what_is_decided():
    below = effect(-3, -1, -1.5, -2.5)
    assert (below.side, is_decided(below)) == (-1, True)
    for open_one in (effect(-3, 1, -1, -1), effect(-3, -1, -4, 1), effect(0, 0, 0, 0), effect(-3, -1)):
        assert not is_decided(open_one)
    assert effect(0, 0, 0, 0).side == 0  # to delete what is not looked at changes nothing: no side was taken


def test_who_is_trained_longer_is_known_and_compared_with_the_base():
    assert all(ABLATIONS[name].against == BASE for name in LONG.members)
    assert LONG.method != SMALL.method
    assert not LONG.method.startswith(SMALL.method)


def test_a_training_that_breaks_down_is_logged_and_not_measured(own_runs, monkeypatch):
    def breaks(*_, **__):
        raise ablation_run.WeightsError("the loss 'loss' is no longer a number at step 1")

    monkeypatch.setattr(ablation_run, "train_member", breaks)
    one = replace(SMALL, members=["base"], seeds=1, steps=1)
    (line,) = run_matrix(drawn_store(size=60), exam(), own_runs / "matrix", one)
    assert "no longer a number" in line["problem"]
    assert read_matrix(own_runs / "matrix") is None


def test_costs_are_measured_once(own_runs, monkeypatch):
    now = iter([*[0.0] * 4, 0.0, 3.0, *[0.0] * 4, 0.0, 2.0])  # of each two steps that do not count, and one that does
    monkeypatch.setattr("colorstyle_lib.training.loop.clock_of", lambda device: lambda: next(now))
    monkeypatch.setattr(ablation_run, "_SHORT", 3)
    store = drawn_store(size=60)
    assert cost_of(ABLATIONS["no_attention"], store, own_runs) == 1.5
    assert cost_of(ABLATIONS["no_attention"], store, own_runs) == 1.5  # the clock has stopped
    assert cost_of(ABLATIONS[BASE], store, own_runs) == 1.0


def test_gray_is_as_wrong_as_the_pictures_are_colorful():
    found = measure(GRAY, exam(2), pretrained_efficientnet_lite0())
    ab = rgb_to_lab(exam(2).squares)[:, 1:]
    torch.testing.assert_close(found["error_ab"], ab.square().sum(1).mean((1, 2)))
    assert found["colorfulness"].max() < 0.1
    assert "reference_psnr_ab" not in found


def test_demo_photographs_are_cut_in_two_where_there_is_no_data_root():
    learn, asked = load_material(None, pictures=4)
    assert (asked.data, len(asked.squares)) == ("demo", 4)
    assert asked.squares.shape[2:] == (64, 64)
    assert asked.halves.shape[2:] == (96, 96)
    assert len(learn) == 7


def test_rank_correlation_is_scipys_with_ties_and_in_drawn_samples():
    random = torch.Generator().manual_seed(0)
    x = torch.randint(0, 5, (30,), generator=random).double()
    y = x + 3 * torch.rand(30, generator=random)
    statistic = rank_correlation_of(x, y)
    whole = statistic(torch.ones(1, 30, dtype=torch.float64)).item()
    assert whole == pytest.approx(stats.spearmanr(x, y).statistic)
    drawn = torch.randint(0, 30, (30,), generator=random)
    counts = torch.bincount(drawn, minlength=30).double()[None]
    assert statistic(counts).item() == pytest.approx(stats.spearmanr(x[drawn], y[drawn]).statistic)
    assert bootstrap(deviation_of(y), 30).value == pytest.approx(y.std(correction=0).item())


def test_what_is_heard_is_what_the_generator_does():
    generator, lab = attentive(), rgb_to_lab(exam(3).halves)
    left, right = lab.chunk(2, dim=-1)
    alone, guided = attention_columns(generator, left), attention_columns(generator, left, right)
    assert (alone["weight"][:, 0] == 0).all()
    assert (alone["moved"][:, 0] == 0).all()
    torch.testing.assert_close(guided["weight"].sum(1), torch.ones(3))
    assert (guided["moved"] > 0).all()
    tasks = {"automatic": alone, "reference": guided}
    names = set(attention_statistics({f"{task}/{k}": v for task, found in tasks.items() for k, v in found.items()}))
    assert "reference_deletion_rank_correlation_color" in names
    assert "automatic_weight_color" not in names


def test_a_weight_of_zero_silences_a_modality_and_swapping_changes_only_it():
    generator, lab = attentive(), rgb_to_lab(exam(3).halves)
    left, right = lab.chunk(2, dim=-1)
    found = override_columns(generator, left, right)
    for name in MODALITIES:
        assert found[f"at_0/{name}"].max() < 1e-4
        assert found[f"at_1/{name}"].min() > 1e-3
    seen = generator.encode(gray_content(left[:, :1]), generator.describe_reference(right))
    changed = swapped(seen, "texture")
    assert torch.equal(changed.own.maps[1], seen.own.maps[1].roll(1, 0))
    assert torch.equal(changed.own.maps[2], seen.own.maps[2])
    assert torch.equal(changed.offered.vectors[1], seen.offered.vectors[1].roll(1, 0))
    with pytest.raises(ConfigError, match="did you mean 'texture'"):
        swapped(seen, "textur")


def test_the_command_line_from_a_run_to_numbers_and_a_figure(own_runs, monkeypatch, capsys):
    def command(*arguments: object) -> int:
        parsed = parser().parse_args(["ablations", *(str(a) for a in arguments)])
        return parsed.command(parsed)

    monkeypatch.delenv("COLORSTYLE_DATA", raising=False)
    with pytest.raises(ConfigError, match="did you mean 'base'"):
        command("run", "bse")
    with pytest.raises(DataError, match="no run of the base"):
        command("show")
    assert command("list") == 0
    assert "uniform_attention" in capsys.readouterr().out
    assert command("run", "base", "--seeds", 1, "--steps", 1, "--pictures", 2) == 0
    assert command("show") == 0
    assert "swap_color" in capsys.readouterr().out
    found = read_results(paths.RUNS / "results.json")
    assert found["demo/ablation.base/psnr_ab"].command.startswith("colorstyle ablations run --steps 1")
    assert (paths.RUNS / "ablations" / "effects.png").is_file()

    save_generator(attentive(), own_runs / "mine.safetensors")
    assert command("attention", "--weights", own_runs / "mine.safetensors") == 0
    heard = read_results(paths.RUNS / "results.json")
    assert heard["demo/attention.mine/override_influence_at_0_color"].value < 1e-3
    assert heard["demo/ablation.base/psnr_ab"] == found["demo/ablation.base/psnr_ab"]
    again = {n.key: n.value for n in attention_numbers(None, weights=own_runs / "mine.safetensors")}
    assert all(heard[key].value == value for key, value in again.items())  # from what was measured before
    log = json.loads((paths.RUNS / "ablations" / "log.jsonl").read_text())
    assert (log["steps"], log["data"]) == (1, "demo")
