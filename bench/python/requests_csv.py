"""The slowest pages of a request log with the standard library's csv: group, aggregate, sort. `requests_csv.py FILE`"""

import csv
import sys
import time

begin = time.perf_counter()
groups = {}
with open(sys.argv[1], newline='') as file:
    for _, _, page, status, ms, outcome in csv.reader(file):
        group = groups.setdefault((page, status), [0, 0, 0, 0])
        time_taken = int(ms)
        group[0] += 1
        group[1] += time_taken
        group[2] = max(group[2], time_taken)
        group[3] += outcome == 'error'
rows = [(total / count, page, int(status), count, most, errors) for (page, status), (count, total, most, errors) in groups.items()]
for mean, page, status, count, most, errors in sorted(rows, reverse=True)[:10]:
    print(page, status, count, f'{mean:.3f}', most, errors)
print((time.perf_counter() - begin) * 1000, file=sys.stderr)
