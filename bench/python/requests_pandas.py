"""The slowest pages of a request log with pandas: read, group, aggregate, sort. `requests_pandas.py FILE`; importing pandas is not timed."""

import sys
import time

import pandas as pd

begin = time.perf_counter()
log = pd.read_csv(sys.argv[1], names=['id', 'day', 'page', 'status', 'ms', 'outcome'])
log['error'] = log['outcome'] == 'error'
groups = log.groupby(['page', 'status']).agg(count=('ms', 'size'), mean=('ms', 'mean'), most=('ms', 'max'), errors=('error', 'sum'))
top = groups.reset_index().sort_values(['mean', 'page', 'status'], ascending=False).head(10)
for row in top.itertuples(index=False):
    print(row.page, row.status, row.count, f'{row.mean:.3f}', row.most, row.errors)
print((time.perf_counter() - begin) * 1000, file=sys.stderr)
