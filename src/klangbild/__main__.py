"""`python -m klangbild`: the command line."""

from klangbild.cli.main import run

run()
