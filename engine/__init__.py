"""guidelog: clinical guidelines as Datalog, with answers that carry proofs.

The package is laid out as the pipeline runs: `syntax` reads text, `checks` reports what is wrong with it,
`rewrites` turn it into ordinary Datalog, `strata` orders it, `backends` evaluate it, `certificate` proves the result.
`pipeline` shows all of it on one screen.
"""

__version__ = "0.1.0"
