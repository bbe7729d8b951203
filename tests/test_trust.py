"""A short form of tests/trust.py, whose long form is `make trust`."""

import subprocess
import sys
from pathlib import Path


def test_a_short_form_has_no_faults():
    counts = {"pictures": 46, "weights": 20, "states": 12, "kills": 0}
    words = [word for name, count in counts.items() for word in (f"--{name}", str(count))]
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("trust.py"), *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| states |" in done.stdout
