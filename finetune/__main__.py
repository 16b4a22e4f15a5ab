"""`python -m finetune`: the command line."""

import sys

from finetune.cli import main

sys.exit(main())
