"""``python -m tests.campaigns``."""

import sys

if __name__ == "__main__":
    # Only here: every process that a solver gets of its own reads this file again.
    from tests.campaigns.catalogue import main

    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
