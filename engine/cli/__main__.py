"""`python -m guidelog.cli` is `guidelog`."""

from .main import main

main()
