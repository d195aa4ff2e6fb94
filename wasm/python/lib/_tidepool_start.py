"""The script that the tool python_run starts: a script, because `-c` and `-m` would look for modules in the current directory first."""

import _tidepool_run

_tidepool_run.main()
