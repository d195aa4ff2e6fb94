"""Reads lines from a pipe. `seq COUNT | lines.py`; the whole pipeline is timed."""

import sys

count = total = 0
for line in sys.stdin:
    count += 1
    total += int(line)
print(count, total)
