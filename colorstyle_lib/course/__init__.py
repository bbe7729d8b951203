"""What the notebooks share: setup, plots, exercises, toy GANs, small trainings."""

from colorstyle_lib.course.notebook import NotebookRun, start
