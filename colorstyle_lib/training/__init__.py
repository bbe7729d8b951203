"""Training: the loop, one step of generator and discriminator, tasks, and what is logged and kept."""

from colorstyle_lib.config import TrainOptions
from colorstyle_lib.training.distributed import ProcessGroup, this_process
from colorstyle_lib.training.gan_step import (
    discriminator_step,
    generate,
    generate_fake,
    generator_step,
    real_pictures,
    supervised_losses,
    train_step,
)
from colorstyle_lib.training.loop import GanLearner, training_loop
from colorstyle_lib.training.saved_run import STATE, load_state, train, train_for
from colorstyle_lib.training.state import StepContext, TrainState, learning_rate_at, new_generator, stage_at
from colorstyle_lib.training.tasks import TASKS, TaskBatch, differentiable_augmentation, draw
from colorstyle_lib.training.validation import demo_squares, evaluate
