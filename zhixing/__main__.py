"""`python -m zhixing` is the same command as `zhixing`."""

import sys

from zhixing.cli import main

sys.exit(main())
