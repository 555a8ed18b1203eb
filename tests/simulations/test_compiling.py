"""What is kept on disk is renewed when a file changes that its machine code may rest on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_change_in_one_file_renews_the_callers_in_others(tmp_path: Path) -> None:
    head = "from simulations.compiling import compiled\n"
    inner, outer = tmp_path / "inner.py", tmp_path / "outer.py"
    outer.write_text(head + "from inner import inner\n@compiled\ndef outer(x): return 10 * inner(x)\n")
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; from outer import outer; print(outer(1))"
    program += "; print(sum(outer.stats.cache_hits.values()))"

    def printed(added: int) -> list[str]:
        inner.write_text(head + f"@compiled\ndef inner(x): return x + {added}\n")
        # The file's own time stamp alone would tell nothing of a change in the same second.
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.split()

    assert printed(1) == ["20", "0"]
    assert printed(1) == ["20", "1"]
    assert printed(2) == ["30", "0"]
