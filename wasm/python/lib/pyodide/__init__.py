"""What scripts for Pyodide look for and Tidepool has: `pyodide.http`, which says that there is no network. There is no bridge to JavaScript."""

__version__ = '314.0.7'
