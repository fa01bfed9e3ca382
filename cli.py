"""Run guidelog from a checkout: `python cli.py ask PATIENT` is `guidelog ask PATIENT`."""

from guidelog.cli import main

main()
