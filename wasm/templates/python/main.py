"""Counts the words of a text: arguments as JSON on standard input, the result as JSON on standard output."""

import json
import sys


def count(text: str) -> dict[str, object]:
    words = text.split()
    return {"words": len(words), "longest": max(words, key=len, default="")}


if __name__ == "__main__":
    print(json.dumps(count(**json.load(sys.stdin))))
