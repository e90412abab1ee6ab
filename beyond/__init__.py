"""What the assignment does not ask for: starts, measures, checkpoints, pictures, commands."""

import os
import sys

if "IPython" not in sys.modules:        # started from a notebook with !python: its backend may not
    os.environ.pop("MPLBACKEND", None)  # be installed here, and pictures need none
