"""A plain loop: bytecode and small integers, nothing else. `loop.py ROUNDS`"""

import sys
import time


def loop(rounds):
    total = 0
    for i in range(rounds):
        total += i & 7
    return total


begin = time.perf_counter()
print(loop(int(sys.argv[1])))
print((time.perf_counter() - begin) * 1000, file=sys.stderr)
