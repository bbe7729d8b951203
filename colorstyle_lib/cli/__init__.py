"""The ``colorstyle`` command."""
