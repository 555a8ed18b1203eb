"""Write the business-to-business sample again: python -m forecast.synthetic [FOLDER]."""

import sys
from pathlib import Path

from forecast.synthetic.sample import FOLDER, write_sample

if __name__ == "__main__":
    write_sample(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
