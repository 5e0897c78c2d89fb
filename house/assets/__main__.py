"""`python -m house.assets [--strict]`"""

import sys

from house.assets import main

sys.exit(main(sys.argv[1:]))
