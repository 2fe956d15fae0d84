"""Shapes are checked while the tests run, and nothing may reach the network.

jaxtyping's import hook wraps every annotated function of the tensor floors with beartype (tests/shapes.py), so a wrong shape
fails at the call that made it. It must be installed before those floors are imported: here.
"""

import os
import signal
import threading

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

import tests.shapes  # noqa: F401  the hook below finds it by name

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# What an example takes by the clock says how busy the machine is, not whether the claim holds.
settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any-machine")

CHECKED_FLOORS = ["zhixing.kernels", "zhixing.model", "zhixing.objective", "zhixing.engine"]

install_import_hook(CHECKED_FLOORS, "tests.shapes.checked")

# A shell that starts the tests in the background has them ignore Ctrl-C, and so would every program they start.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
