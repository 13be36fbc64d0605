"""The consumers: `runtime` composes, then one file per consumer with its effect and nothing more.

All that they import is imported here, without the garbage collector: a fifteenth of a cold start.
"""

from lambdas.cold_start import uncollected

with uncollected():
    from botocore import session as session

    from lambdas import runtime as runtime
