"""Training: the loop, one step of generator and discriminator, tasks, and what is logged and kept."""

from colorstyle_lib.training.augment import differentiable_augmentation
from colorstyle_lib.training.checkpoint import load_state
from colorstyle_lib.training.distributed import ProcessGroup
from colorstyle_lib.training.gan_step import StepContext, discriminator_step, generator_step, make, train_step
from colorstyle_lib.training.generator_pass import answer, supervised_terms
from colorstyle_lib.training.loop import stage_at, train
from colorstyle_lib.training.state import TrainState, learning_rate_at, new_generator
from colorstyle_lib.training.tasks import TASKS, TaskBatch, draw
from colorstyle_lib.training.validation import evaluate
from colorstyle_lib.training.validation_samples import demo_squares
