"""multiprocessing needs processes that share memory and locks, which a cell has none of."""

raise ImportError('there is no multiprocessing here: use subprocess to run another Python, or asyncio')
