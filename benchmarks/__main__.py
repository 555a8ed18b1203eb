"""Run the benchmarks, all or those named, each in its own process: python -m benchmarks [NAME ...]"""

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).parent


def main(names: list[str]) -> int:
    scripts = {path.stem: path for path in sorted(FOLDER.glob("[!_]*.py"))}
    unknown = set(names) - scripts.keys()
    if unknown:
        print(f"No benchmark {', '.join(sorted(unknown))}; there are {', '.join(scripts)}.", file=sys.stderr)
        return 2
    failed = []
    for name in names or scripts:
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=FOLDER.parent).returncode:
            failed.append(name)
        print(f"== {name}: {time.perf_counter() - start:.0f} s\n", flush=True)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
