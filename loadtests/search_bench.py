"""Search as a client of the HTTP API meets it: `make bench-search`.

Fills a fresh catalogue with generated lessons (COPY into the service's PostgreSQL), starts
`tongbu serve` on it and measures, over the wire: time until the index is whole, its size, the
memory of the service, the latency of each kind of query with facets, and how soon a new lesson is
found. Counts that the service remembers are told apart: `first` asks every question once after the
index changed, `again` asks the same questions as often as it takes.

    python -m loadtests.search_bench --lessons 4000000
    python -m loadtests.search_bench --data DIR --built     asks again, without building anew
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from loadtests.lesson_corpus import COLUMNS, TERMS, Corpus, lesson_id, make_corpus, rows
from loadtests.service import Service, running

SCHOOLS = 1400
SERIES = 40
BUILD_LIMIT_S = 3600.0
FRESH_ROUNDS = 10
TARGETS_MS = {"two characters": 10.0, "common word": 30.0}
Question = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of query: its name, path and questions."""

    name: str
    questions: tuple[Question, ...]
    path: str = "/api/v1/lessons"


class Client:
    """One kept-alive connection, as a browser holds it."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)

    def get(self, path: str, question: Question) -> dict[str, Any]:
        """Ask and give the JSON of a success."""
        self._connection.request("GET", f"{path}?{urlencode(question)}")
        response = self._connection.getresponse()
        body = response.read()
        assert response.status == 200, (response.status, body[:300])
        found: dict[str, Any] = json.loads(body)
        return found

    def total(self, **question: str) -> int:
        """Give how many lessons a question finds; -1 while there is no index."""
        try:
            return int(self.get("/api/v1/lessons", {"limit": "1", **question})["total"])
        except AssertionError as error:
            if "503" in str(error):
                return -1
            raise


def kinds(corpus: Corpus) -> list[Kind]:
    """Make the questions; the words' ranks decide how many lessons they are in."""
    words = corpus.words
    middle = [w for w in words[40:330] if len(w) == 2]
    chance = random.Random(3)
    several = [
        {"q": f"{chance.choice(words[:30])} {chance.choice(middle)}", "grade": f"g{n % 12 + 1}",
         "subject": chance.choice(["mathematics", "physics", "chinese"])}
        for n in range(24)
    ]  # fmt: skip
    pinyin = ["gougudingli", "guanghezuoyong", "niudundinglv", "fuli", "yaqiang", "xinhaigeming",
              "cifangcheng", "shuimohua", "jifeng", "dili"]  # fmt: skip
    initials = ["ggdl", "ghzy", "nddl", "xhgm", "dbhy", "slhx", "zlsh", "sjtx", "wywyd", "rysf"]
    typed = ["勾", "勾股", "gou", "gg", "二次", "光合", "guang", "王", "xh", "niud", "系列", "古诗"]
    return [
        Kind("two characters", _asked(middle[::9][:30])),
        Kind("common word", _asked(words[:29:4])),
        Kind("four characters, phrase", _asked([t for t in TERMS if len(t) == 4][:25])),
        Kind("several words, grade and subject", tuple(several)),
        Kind("one character", _asked("数理光水力文声电")),
        Kind("pinyin", _asked(pinyin)),
        Kind("first letters", _asked(initials)),
        Kind("library without a word", ({}, *({"grade": f"g{n}"} for n in range(1, 13)))),
        Kind("most played", tuple({"q": w, "sort": "plays"} for w in middle[::20])),
        Kind("suggestions", _asked(typed), "/api/v1/lessons/suggest"),
    ]


def _asked(texts: Iterable[str]) -> tuple[Question, ...]:
    return tuple({"q": text} for text in texts)


def fill(dsn: str, corpus: Corpus, count: int) -> float:
    """Copy the lessons in; gives the seconds it took."""
    started = time.monotonic()
    schools = [f"school{number}" for number in range(SCHOOLS)]
    series = [f"series{number}" for number in range(SERIES)]
    with psycopg.connect(dsn) as connection:
        # Triggers would tell listeners of every single row of a load that nobody watches.
        connection.execute("set session_replication_role = replica")
        connection.execute("insert into district (id, name) values ('d', '测区')")
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into school (id, name, district_id, setting) values (%s, %s, 'd', 'urban')",
                [(key, f"第{number}实验学校") for number, key in enumerate(schools, 1)],
            )
            cursor.executemany(
                "insert into series (id, name) values (%s, %s)",
                [(key, f"系列{number}") for number, key in enumerate(series, 1)],
            )
            with cursor.copy(f"copy lesson ({', '.join(COLUMNS)}) from stdin".encode()) as copy:
                for row in rows(corpus, count, schools, series):
                    copy.write_row(row)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum (analyze) lesson")
    return time.monotonic() - started


def wait_until_whole(service: Service, client: Client, count: int) -> float:
    """Wait until the index is built and finds everything; gives the seconds of the build."""
    give_up_at = time.monotonic() + BUILD_LIMIT_S
    while time.monotonic() < give_up_at:
        found = re.findall(rf"search index built: {count} lessons in ([\d.]+) s", _log(service))
        if found and client.total() == count:
            return float(found[-1])
        time.sleep(1.0)
    raise AssertionError(f"no whole index in {BUILD_LIMIT_S} s; {client.total()} of {count}")


def _log(service: Service) -> str:
    return service.log.read_text("utf-8", errors="replace")


def ask(client: Client, kind: Kind, rounds: int, before: Callable[[], None]) -> list[float]:
    """Ask each question so many times; gives milliseconds."""
    took: list[float] = []
    for _ in range(rounds):
        before()
        for question in kind.questions:
            started = time.perf_counter()
            client.get(kind.path, question)
            took.append((time.perf_counter() - started) * 1000)
    return took


def fresh(dsn: str, client: Client) -> list[float]:
    """Add lessons one by one and give the milliseconds from commit until each is found."""
    took: list[float] = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for number in range(FRESH_ROUNDS):
            word = f"zz{number}{time.time_ns()}"
            key = lesson_id(time.time_ns() // 1_000_000, random.getrandbits(52))
            connection.execute(
                "insert into lesson (id, title, state) values (%s, %s, 'ready')", (key, word)
            )
            started = time.perf_counter()
            while client.total(q=word) != 1:
                time.sleep(0.005)
            took.append((time.perf_counter() - started) * 1000)
    return took


def memory_mb(service: Service) -> tuple[float, float]:
    """Give the service's private memory now and its largest resident size so far, in MB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    read = {name: int(value) / 1024 for name, value in re.findall(r"(\w+):\s+(\d+) kB", status)}
    return read["RssAnon"], read["VmHWM"]


def quantile(took: list[float], share: float) -> float:
    """Give a quantile, the nearest from above."""
    return sorted(took)[min(len(took) - 1, int(len(took) * share))]


def line(kind: str, what: str, took: list[float]) -> str:
    """Give one row of the table."""
    return (
        f"| {kind} | {what} | {len(took)} | {statistics.median(took):.1f} "
        f"| {quantile(took, 0.95):.1f} | {max(took):.1f} |"
    )


def measure(service: Service, dsn: str, corpus: Corpus, rounds: int) -> bool:
    """Print the tables; tells whether the targets hold for questions that were asked before."""
    client = Client(service.url)

    def change() -> None:
        fresh_word = lesson_id(time.time_ns() // 1_000_000, random.getrandbits(52))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                "insert into lesson (id, title, state) values (%s, '变', 'ready')", (fresh_word,)
            )
        # Remembered counts may be a second old; after this pause none are.
        time.sleep(2.5)

    print("| query | counts | n | p50 ms | p95 ms | max ms |\n|---|---|---|---|---|---|")
    fits = True
    for kind in kinds(corpus):
        first = ask(client, kind, 3, change)
        again = ask(client, kind, rounds, lambda: None)
        print(line(kind.name, "first", first))
        print(line(kind.name, "again", again), flush=True)
        limit = TARGETS_MS.get(kind.name)
        fits = fits and (limit is None or quantile(first, 0.95) <= limit)
    print(line("a new lesson is found", "", fresh(dsn, client)))
    private, largest = memory_mb(service)
    print(f"\nMemory of the service: {private:.0f} MB private, {largest:.0f} MB at most with maps.")
    return fits


def tell_build(service: Service, data: Path, count: int) -> None:
    """Wait for the index and say what it took."""
    took_s = wait_until_whole(service, Client(service.url), count)
    size = sum(file.stat().st_size for file in (data / "search").rglob("*") if file.is_file())
    print(f"index built in {took_s:.0f} s, {size / 1e6:.0f} MB on disk, "
          f"{memory_mb(service)[1]:.0f} MB of memory at most\n", flush=True)  # fmt: skip


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lessons", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--data", type=Path, help="keep and reuse this directory")
    parser.add_argument("--built", action="store_true", help="keep the index that is there too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tongbu-bench-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o711)
        data = asked.data or Path(home) / "data"
        return run(data, asked.lessons, asked.rounds, built=asked.built)


def run(data: Path, count: int, rounds: int, *, built: bool) -> int:
    """Fill when empty, build unless it is built, measure; gives the exit code."""
    corpus = make_corpus()
    dsn = f"host={data / 'postgres' / 'socket'} user=postgres dbname=tongbu"
    if not (data / "filled").exists():
        with running(data=data, extra={"TONGBU_SERVER_WORKERS": "0"}):
            print(f"{count} lessons copied in {fill(dsn, corpus, count):.0f} s", flush=True)
        (data / "filled").touch()
    if not built:
        shutil.rmtree(data / "search", ignore_errors=True)
    with running(data=data, extra={"TONGBU_SERVER_WORKERS": "0"}) as service:
        if not built:
            tell_build(service, data, count)
        fits = measure(service, dsn, corpus, rounds)
    print("\nwithin the targets" if fits else "\nNOT within the targets")
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main())
