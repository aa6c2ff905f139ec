"""What counts are is known without what makes them: reading an archive loads no engine."""

import subprocess
import sys


def test_the_archive_is_read_without_the_engine() -> None:
    ask = (
        "import sys, apronwatch.archive; print([m for m in sys.modules if 'engines' in m or 'counting' in m])"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
