"""Processes that do nothing, one after the other. `spawn.py COUNT`"""

import subprocess
import sys
import time

begin = time.perf_counter()
print(sum(subprocess.run(['true']).returncode for _ in range(int(sys.argv[1]))))
print((time.perf_counter() - begin) * 1000, file=sys.stderr)
