"""What every test runs under: one BLAS thread, and examples that repeat from run to run."""

import os

# Before anything loads numpy: a library with its own threads competes with the tests beside it.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ[_name] = "1"

from hypothesis import HealthCheck, settings  # noqa: E402 - may load numpy

# "ci" finds the same examples each time, so a red test stays red; "search" looks for new ones:
# HYPOTHESIS_PROFILE=search make test.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("search", deadline=None, max_examples=1_000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
