"""A short training as a process of its own, to be killed or shared out: small_run.py OUTPUT STEPS [OPTION ...]."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import torch

from colorstyle_lib.config import TrainOptions, get_preset
from colorstyle_lib.data import scenes as synthetic
from colorstyle_lib.data.batches import Batches, ImageStore, Windows
from colorstyle_lib.training import train
from colorstyle_lib.training.distributed import process_group

TASKS = (("automatic", 1.0), ("reference", 1.0), ("hints", 1.0), ("inpaint", 1.0), ("enhance", 1.0))


def drawn_store(n=12, size=56):
    """Drawn scenes as if they were decoded photographs."""
    images = (synthetic.scenes(n, size, seed=3).rgb * 255).round().byte()
    return ImageStore(list(images), [str(i) for i in range(n)], [], [0] * n)


def small_preset(**changes):
    """The tiny preset in float32, with every task that needs no feature network, and all three stages early."""
    preset = get_preset("tiny")
    settings = {"tasks": TASKS, "half_precision": False, "supervised": 0.34, "catch_up": 0.16, "batch_size": 4}
    return replace(preset, training=replace(preset.training, **(settings | changes)))


class Fatal(Windows):
    """Windows that end the process at the step that needs them."""

    def to(self, device):
        """Die as a machine does, without a word."""
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    output, steps, options = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    dies_at = next((int(o.removeprefix("--dies-at=")) for o in options if o.startswith("--dies-at=")), None)
    # Small steps: the larger they are, the faster a rounding error grows.
    plain = {"optimizer": "sgd", "learning_rate": 2e-3, "discriminator_learning_rate": 2e-3}
    plain["tasks"] = TASKS[:3]  # repairing normalizes each process's pictures by themselves
    preset = small_preset(**(plain if "--sgd" in options else {}))
    with process_group() as here:

        class Mortal(Batches):
            def windows(self, index, view=0):
                windows = super().windows(index, view)
                # The last process of a run is the one that is lost.
                dies = index == dies_at and here.rank == here.size - 1
                return Fatal(**vars(windows)) if dies else windows

        batches = Mortal(drawn_store(), preset.training.batch_size, 48, part=(here.rank, here.size))
        validation = synthetic.scenes(2, 48, seed=9).rgb
        options = TrainOptions(steps=steps, output=output, resume="--resume" in options, evaluate_every=3)
        train(preset, batches, validation, options, group=here)


if __name__ == "__main__":
    main()
