# SPDX-License-Identifier: Apache-2.0
"""python -m flexion.bench."""

import sys

from flexion.bench import main

sys.exit(main())
