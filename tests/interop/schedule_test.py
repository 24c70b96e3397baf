"""Cron schedules against brute force: every minute of a year, in five time zones, by zoneinfo.

Independent of the program: a set of minutes is a whole number with a bit a minute, a field is the union of its values' sets, and
what the gap and the repeated hour do is read off a walk over the year's minutes in UTC. No offset is ever computed with.
"""
import array
import bisect
import datetime
import os
import random
import re
import subprocess
import sys
import unittest
import zoneinfo

TOOL = os.path.join(os.environ["MAILROOM_BUILD_DIR"], "tests", "schedule_walk")
SEED = int(os.environ.get("MAILROOM_SEED", "20271"))
YEAR = 2027
# Two changes each, of an hour, at midnight (Santiago) or of half an hour (Lord Howe), in both hemispheres; and none.
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Shanghai"]
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
KINDS = [("minute", range(60), ()), ("hour", range(24), ()), ("day", range(1, 32), ()), ("month", range(1, 13), MONTHS), ("weekday", range(7), DAYS)]
EPOCH = datetime.datetime(1970, 1, 1)
MINUTE = datetime.timedelta(minutes=1)


def minutes_since_epoch(naive):
    return (naive - EPOCH) // MINUTE


class Wall:
    """The minutes that a clock on the wall would show in and around the year without any change; for each field and value the
    set of those that have it."""

    def __init__(self):
        self.first = datetime.datetime(YEAR - 1, 12, 30)
        minutes = [self.first + i * MINUTE for i in range((datetime.datetime(YEAR + 1, 1, 3) - self.first) // MINUTE)]
        bits = [[bytearray(len(minutes) // 8 + 1) for _ in range(max(kind[1]) + 1)] for kind in KINDS]
        for i, t in enumerate(minutes):
            byte, bit = i >> 3, 1 << (i & 7)
            bits[0][t.minute][byte] |= bit
            bits[1][t.hour][byte] |= bit
            bits[2][t.day][byte] |= bit
            bits[3][t.month][byte] |= bit
            bits[4][t.isoweekday() % 7][byte] |= bit
        self.n = len(minutes)
        self.sets = [[int.from_bytes(b, "little") for b in field] for field in bits]

    def matches(self, fields):
        """The places of the minutes that the fields select, in order."""
        minute, hour, day, month, weekday = (self.union(i, f) for i, f in enumerate(fields))
        days = day & weekday if fields[2].startswith("*") or fields[4].startswith("*") else day | weekday
        return places(minute & hour & month & days)

    def union(self, i, field):
        together = 0
        for v in values(i, field):
            together |= self.sets[i][v]
        return together


def values(i, field):
    """crontab(5), by regular expressions."""
    _, known, names = KINDS[i]
    word = lambda w: (int(w) if w.isdigit() else names.index(w.lower()) + known[0])
    out = set()
    for part in field.split(","):
        begin, end, step = re.fullmatch(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", part).groups()
        if begin == "*":
            span = known
        else:
            low = word(begin)
            high = low if end is None else word(end)
            span = range(low, (7 if high < low else high) + 1)  # fri-sun
        out.update(v % 7 if i == 4 else v for v in span[::int(step or 1)])
    return out


def places(number):
    out = []
    for at, byte in enumerate(number.to_bytes((number.bit_length() + 7) // 8, "little")):
        while byte:
            low = byte & -byte
            out.append(at * 8 + low.bit_length() - 1)
            byte ^= low
    return out


class Zone:
    """When each minute of the wall is shown: never, once, or twice."""

    def __init__(self, name, wall):
        self.name, tz = name, zoneinfo.ZoneInfo(name)
        # One day more on either side: local years begin and end elsewhere.
        begin, end = datetime.datetime(YEAR - 1, 12, 31), datetime.datetime(YEAR + 1, 1, 2)
        self.first, self.end = minutes_since_epoch(begin), minutes_since_epoch(end)
        self.shown = [()] * wall.n
        for i in range(self.end - self.first):
            at = (tz.fromutc((begin + i * MINUTE).replace(tzinfo=tz)).replace(tzinfo=None, fold=0) - wall.first) // MINUTE
            self.shown[at] += (self.first + i,)
        # Once a day, whatever happens: the first time; a minute that is skipped when the next one comes that is not.
        self.once, following = [0] * wall.n, self.end
        for at in range(wall.n - 1, -1, -1):
            following = self.shown[at][0] if self.shown[at] else following
            self.once[at] = following
        year = self.shown[2 * 1440:-2 * 1440]
        self.gaps, self.repeats = sum(not times for times in year), sum(len(times) == 2 for times in year)

    def expected(self, expression, matches):
        if re.match(r"\*|\S+ \*", expression):
            return sorted(t for at in matches for t in self.shown[at])
        return sorted({self.once[at] for at in matches})


def generated(rng, n):
    """Expressions, many of them about the hours of the changes."""
    def field(i, star):
        kind, known, names = KINDS[i]
        def one(v):
            w = names[v - known[0]] if names and rng.random() < 0.4 else str(v)
            return w.upper() if rng.random() < 0.2 else w
        def part():
            roll = rng.random()
            if roll < 0.5:
                return one(rng.choice([0, 1, 2, 3]) if kind == "hour" and rng.random() < 0.7 else rng.choice(known))
            low, high = sorted(rng.choices(known, k=2))
            text = f"{one(low)}-{one(high)}" if roll < 0.85 else "*"
            return text + (f"/{rng.randint(1, known[-1])}" if roll >= 0.85 or rng.random() < 0.4 else "")
        return "*" if rng.random() < star else ",".join(part() for _ in range(rng.choice([1, 1, 1, 2, 3])))
    while n:
        fields = [field(i, star) for i, star in enumerate((0.05, 0.3, 0.6, 0.7, 0.6))]
        if any(d <= 29 + (m != 2) + (m not in (2, 4, 6, 9, 11)) for m in values(3, fields[3]) for d in values(2, fields[2])):
            n -= 1
            yield " ".join(fields)  # the others may be a 31 April, which is refused


FIXED = ["30 2 * * *", "0,30 1,2,3 * * *", "* * 28 3 *", "*/15 2 * * *", "45 1 * * *", "15 2 * * 7", "59 23 31 12 *", "0 0 1 1 *", "0 0 * * fri-sun",
         "30 0 * * *", "0 0 * * *", "5 0 1-7 * mon", "10 4 */10 * 5", "1-59/7 */3 * feb-nov *", "0 12 29 2 *", "0 0 13 * 5"]


def walked(queries):
    done = subprocess.run([TOOL], input="".join("\t".join(map(str, q)) + "\n" for q in queries).encode(), capture_output=True)
    if done.returncode:
        raise AssertionError(done.stderr.decode())
    numbers, at, out = array.array("I", done.stdout), 0, []
    for _ in queries:
        out.append(numbers[at + 1:at + 1 + numbers[at]].tolist())
        at += 1 + numbers[at]
    return out


class Schedules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.wall = Wall()
        cls.zones = [Zone(name, cls.wall) for name in ZONES]
        cls.expressions = {}  # with the wall's minutes that each selects; those with very many only now and then
        for e in FIXED + list(generated(random.Random(SEED), 400)):
            matches = cls.wall.matches(e.split())
            if e in FIXED or len(matches) < 3000 or len(cls.expressions) % 25 == 0:
                cls.expressions[e] = matches

    def test_the_year_has_its_changes(self):
        self.assertEqual([(z.gaps, z.repeats) for z in self.zones], [(60, 60), (60, 60), (30, 30), (60, 60), (0, 0)])

    def test_each_expression_in_each_zone(self):
        """Every time of the year, and from random minutes the first one after them."""
        rng, total = random.Random(SEED + 1), 0
        for zone in self.zones:
            first, end = zone.first + 1440, zone.end - 1440
            expected, queries = [], []
            for e, matches in self.expressions.items():
                times = zone.expected(e, matches)
                queries.append((e, zone.name, first, end, 1_000_000))
                expected.append(times[bisect.bisect_right(times, first):bisect.bisect_left(times, end)])
                for _ in range(5):
                    start = rng.randrange(first, end)
                    queries.append((e, zone.name, start, end, 1))
                    at = bisect.bisect_right(times, start)
                    expected.append([t for t in times[at:at + 1] if t < end])
            for query, found, wanted in zip(queries, walked(queries), expected):
                if found != wanted:
                    wrong = sorted(set(found) ^ set(wanted))
                    self.fail(f"{query}: {len(found)} times, expected {len(wanted)}; first difference at "
                              f"{EPOCH + wrong[0] * MINUTE} UTC, seed {SEED}" if wrong else f"{query}: order")
                total += len(wanted)
        print(f"{len(self.expressions)} expressions in {len(self.zones)} zones, {total} times, seed {SEED}")
        self.assertGreater(len(self.expressions), 200)


if __name__ == "__main__":
    unittest.main()
