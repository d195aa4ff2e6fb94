"""What pystone measured, written anew: attributes, calls, strings, lists, dictionaries and exceptions. `records.py ROUNDS`"""

import sys
import time


class Record:
    def __init__(self, following, kind, number, text):
        self.following = following
        self.kind = kind
        self.number = number
        self.text = text

    def copy(self):
        return Record(self.following, self.kind, self.number, self.text)


class Machine:
    def __init__(self):
        self.glob = Record(None, 0, 0, 'DHRYSTONE PROGRAM, SOME STRING')
        self.glob.following = Record(None, 1, 40, 'DHRYSTONE PROGRAM, 1ST STRING')
        self.row = [0] * 51
        self.table = [list(self.row) for _ in range(51)]
        self.seen = {}

    def change_record(self, record):
        following = record.following = self.glob.copy()
        record.number = 5
        following.number = record.number
        following.following = record.following
        if following.kind == 0:
            following.number = 6
            following.kind = self.other_kind(record.kind)
        return following

    def other_kind(self, kind):
        return {0: 0, 1: 100, 2: 3}.get(kind, kind) % 5

    def change_tables(self, row, table, at, value):
        place = at + 5
        row[place] = value
        row[place + 1] = row[place]
        for i in range(place, place + 2):
            table[place][i] = place
        table[place][place - 1] += 1

    def compare(self, left, right):
        at = 1
        while at <= 1 and left[at] != right[at + 1]:
            at += 1
        return left > right

    def parse(self, text):
        try:
            return int(text)
        except ValueError:
            return len(text)


def work(rounds):
    machine = Machine()
    check = 0
    for i in range(rounds):
        left = 'DHRYSTONE PROGRAM, 1ST STRING'
        right = f'DHRYSTONE PROGRAM, {i % 9}ND STRING'
        if not machine.compare(left, right):
            check += 1
        machine.change_tables(machine.row, machine.table, i % 40, i)
        following = machine.change_record(machine.glob)
        word = right.split(', ')[1].lower()
        machine.seen[word] = machine.seen.get(word, 0) + following.number
        check += machine.parse(word[:1]) + machine.parse('x' * (i % 3))
        check += sum([n * n for n in (1, 2, 3, i % 5)])
    return check + sum(machine.seen.values()) + machine.row[20]


begin = time.perf_counter()
print(work(int(sys.argv[1])))
print((time.perf_counter() - begin) * 1000, file=sys.stderr)
