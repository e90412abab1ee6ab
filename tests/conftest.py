"""What tests of several files ask pytest for."""

import pytest

from utils import InputError


@pytest.fixture(scope="session")
def box():
    """The tests that ask for it are skipped where the grader has no box."""
    from solutions.grading.box import see_that_it_can_be_had
    try:
        see_that_it_can_be_had()
    except InputError as error:
        pytest.skip(str(error))
