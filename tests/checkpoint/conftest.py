"""Runs of these tests are written to memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.train.tiny import folder_in_memory


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    yield from folder_in_memory()
