"""The consumers: `runtime` composes, then one file per consumer with its effect and nothing more.

What all of them need is imported here, and in Lambda without the garbage collector: a fifteenth of a cold start. What
only some need, the relay and the publisher among it, comes afterwards, with the handler's own module.
"""

from lambdas.cold_start import uncollected

with uncollected():
    from botocore import session as session

    from lambdas import runtime as runtime
