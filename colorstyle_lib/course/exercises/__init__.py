"""Checkers of the exercises: each takes a function and answers "yes: ..." or "not yet: ...", with a hint."""

from colorstyle_lib.course.exercises import applications, color, networks
from colorstyle_lib.course.exercises.checker import CHECKERS

globals().update(CHECKERS)  # ``exercises.adain`` and all others, by their names
