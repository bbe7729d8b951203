"""Training: images a second and memory beside pix2pix; bfloat16, and from kept maps beside without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from side_by_side import Timing, alternate

from colorstyle_lib.config import Preset, change, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.batches import Batches, ImageStore
from colorstyle_lib.model.color_bins import rebalancing
from colorstyle_lib.model.pretrained import load_vgg19
from colorstyle_lib.reproduction.baselines.pix2pix import Pix2Pix
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import StepContext, train_step
from colorstyle_lib.training.kept_maps import KeptMaps
from colorstyle_lib.training.state import TrainState
from colorstyle_lib.training.tasks import draw

pytestmark = pytest.mark.benchmark

SIZE, BATCH = 128, 16
LEAST = 3.0  # times as many images a second as pix2pix
GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
ROUNDS = 20 if GPU else 5
STAGES = ("supervised", "catch_up", "joint")
PRECISIONS = {"bfloat16": True, "float32": False}

Step = Callable[[], object]


def finished(step: Step) -> Step:
    """The same, returning when it is done, not when a GPU has been told."""

    def run() -> None:
        step()
        if GPU:
            torch.cuda.synchronize()

    return run


def timed(ways: dict[str, Step], rounds: int = ROUNDS) -> Timing:
    """On the CPU its own time on one thread, so that what else runs there matters less."""
    torch.set_num_threads(1)
    clock = time.perf_counter if GPU else time.process_time
    return alternate({way: finished(step) for way, step in ways.items()}, rounds, clock)


def show(title: str, timing: Timing, yardstick: str, batch: int = BATCH) -> None:
    print(f"\n{title}; {where()}\n{'':44}{'images/s':>9}{'times':>7}")
    for way in timing.seconds:
        print(f"  {way:42}{images_a_second(timing, way, batch):9.2f}{timing.ratio(yardstick, way):7.2f}")


def images_a_second(timing: Timing, way: str, batch: int) -> float:
    return batch / sorted(timing.seconds[way])[len(timing.seconds[way]) // 2]


def where() -> str:
    return torch.cuda.get_device_name() if GPU else "CPU, 1 thread"


def pictures(batch: int, fixed: int = 0) -> Batches:
    scenes = (synthetic.scenes(batch, 160, seed=0).rgb * 255).round().byte()
    return Batches(
        ImageStore(list(scenes), [str(i) for i in range(batch)], groups=[0] * batch), batch, SIZE, fixed=fixed
    )


@dataclass
class Companion:
    """A training of the preset, one step at a time; pictures are drawn beforehand, as in training they are ahead."""

    preset: Preset
    batch: int = BATCH
    frozen: bool = False
    maps: Path | None = None

    def __post_init__(self) -> None:
        config = self.preset.training
        self.state = TrainState.new(self.preset, 0, DEVICE)
        bins = rebalancing(torch.ones(261) / 261).to(DEVICE)
        network = load_vgg19().to(DEVICE, memory_format=torch.channels_last) if self.frozen else None
        self.context = StepContext(config, ProcessGroup(device=DEVICE), bins, network)
        batches = pictures(self.batch, 2 if self.maps else 0)
        if self.maps:
            self.context = replace(self.context, kept=KeptMaps(self.maps, batches, self.state.generator))
        self.batch_of_tasks = draw(batches, 0, config, self.preset.generator.noise).on(DEVICE)

    def step(self, stage: str) -> None:
        batches = self.batch_of_tasks.split(1)  # anew, or its Lab would be there already
        train_step(self.state, batches, self.context, stage)
        if stage != "catch_up":
            self.state.update_average(0.998, 1000)


def companion(*, half: bool, tasks: tuple[tuple[str, float], ...] = ()) -> Preset:
    preset = get_preset("companion")
    training = change(preset.training, half_precision=half, crop=SIZE, batch_size=BATCH)
    return change(preset, training=change(training, tasks=training.tasks + tasks))


def opponent(half: bool, batch: int = BATCH) -> Step:
    model = Pix2Pix(SIZE, timed=half)
    rgb = pictures(batch).batch(0).to(DEVICE)
    return lambda: model.step(rgb)


def has_vgg19() -> bool:
    """Whether VGG-19's weights are there without a download."""
    cached = Path(torch.hub.get_dir(), "checkpoints").glob("vgg19-*.pth")
    return bool(os.environ.get("COLORSTYLE_VGG19")) or any(cached)


def test_a_step_beside_pix2pix():
    ways: dict[str, Step] = {}
    for name, half in PRECISIONS.items():
        ours = Companion(companion(half=half))
        ways[f"pix2pix, {name}"] = opponent(half)
        for stage in STAGES if half else ("supervised", "joint"):
            ways[f"companion, {stage}, {name}"] = lambda ours=ours, stage=stage: ours.step(stage)
    timing = timed(ways)
    show(f"a training step, {BATCH} x 3 x {SIZE} x {SIZE}", timing, "pix2pix, float32")
    for stage in ("supervised", "joint"):
        gain = timing.ratio(f"companion, {stage}, float32", f"companion, {stage}, bfloat16")
        print(f"  bfloat16 makes the {stage} step {gain:.2f} times as fast as float32")
    # Each at its best: bfloat16 need not be that on every processor.
    best = min((f"pix2pix, {name}" for name in PRECISIONS), key=lambda way: timing.ratio(way, "pix2pix, float32"))
    gains = {stage: timing.ratio(best, f"companion, {stage}, bfloat16") for stage in STAGES}
    # All stages by the preset's own schedule.
    config = get_preset("companion").training
    shares = (config.supervised, config.catch_up, 1 - config.supervised - config.catch_up)
    gains["the whole run"] = 1 / sum(share / gains[stage] for share, stage in zip(shares, STAGES, strict=True))
    print("  against pix2pix at its best: " + ", ".join(f"{name} {gain:.2f}" for name, gain in gains.items()))
    assert gains["supervised"] >= LEAST
    assert gains["the whole run"] >= LEAST


def test_a_step_with_frozen_features():
    if not has_vgg19():
        pytest.skip("needs VGG-19's weights: name a file of them in COLORSTYLE_VGG19")
    tasks = dict(companion(half=True).training.tasks)
    preset = companion(half=True, tasks=(("stylize", tasks["automatic"]),))
    share = tasks["automatic"] / (sum(tasks.values()) + tasks["automatic"])
    plain, styled = Companion(companion(half=True)), Companion(preset, frozen=True)
    timing = timed(
        {
            "pix2pix": opponent(half=True),
            "joint": lambda: plain.step("joint"),
            "supervised, stylize and VGG-19": lambda: styled.step("supervised"),
            "joint, stylize and VGG-19": lambda: styled.step("joint"),
        },
        rounds=ROUNDS if GPU else 1,
    )
    show(f"a training step in bfloat16 with frozen features for {share:.0%} of the pictures", timing, "pix2pix")


def test_a_step_from_kept_maps_beside_one_that_computes_them(tmp_path):
    anew, kept = Companion(companion(half=True)), Companion(companion(half=True), maps=tmp_path)
    kept.step("supervised")  # writes them
    ways = {"computed": lambda: anew.step("supervised"), "kept": lambda: kept.step("supervised")}
    timing = timed(ways)
    show("a supervised step in bfloat16, the frozen encoder's maps computed or kept", timing, "computed")
    assert timing.ratio("computed", "kept") > 1


_FEW = 4
_MEMORY = """
import json, pathlib, re, sys
import torch
sys.path.insert(0, sys.argv[2])
import test_training_speed as speed

def peak():
    if speed.GPU:
        return torch.cuda.max_memory_allocated()
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

torch.set_num_threads(1)
peaks = []
for batch in (speed._FEW, speed.BATCH):  # the smaller one first: a peak only ever rises
    step = speed.memory_step(sys.argv[1], batch)
    step()
    step()  # only now the optimizers' states are there, too, while activations are
    peaks.append(peak())
    del step
print(json.dumps(peaks))
"""


def memory_step(way: str, batch: int) -> Step:
    """Called in a process of its own."""
    if way == "pix2pix":
        return opponent(half=True, batch=batch)
    ours = Companion(companion(half=True), batch)
    return lambda: ours.step("joint" if way.endswith("joint") else "supervised")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/status")
def test_memory_an_image():
    print(f"\npeak memory of a step in bfloat16, {SIZE} x {SIZE}; {where()}\n{'':26}MiB at {BATCH}   MiB an image more")
    an_image = {}
    for way in ("pix2pix", "companion, supervised", "companion, joint"):
        command = [sys.executable, "-c", _MEMORY, way, str(Path(__file__).parent)]
        few, many = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        an_image[way] = (many - few) / (BATCH - _FEW) / 2**20
        print(f"  {way:24}{many / 2**20:9.0f}{an_image[way]:20.1f}")
