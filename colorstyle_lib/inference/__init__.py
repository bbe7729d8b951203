"""Using the model: color, restyle and convert pictures of any size."""

from colorstyle_lib.inference.colorstyle import ColorStyle, Result
from colorstyle_lib.inference.guided_upsampling import guided_coefficients, rows_at_size
from colorstyle_lib.inference.hints import Hint, parse_hint
