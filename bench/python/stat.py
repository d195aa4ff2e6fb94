"""os.stat of files, one after the other. `stat.py COUNT`"""

import os
import sys
import time

FILES = 100
os.makedirs('stats', exist_ok=True)
for i in range(FILES):
    with open(f'stats/{i}', 'w') as file:
        file.write('x' * i)

begin = time.perf_counter()
print(sum(os.stat(f'stats/{i % FILES}').st_size for i in range(int(sys.argv[1]))))
print((time.perf_counter() - begin) * 1000, file=sys.stderr)
