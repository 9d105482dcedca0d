"""A table of lessons to import: read it, check it whole, say every bad row and why. Pure.

What stands outside the table comes as arguments: the names that the city knows, and what was found
of each file. A table that has one bad row imports nothing.

Spec: RFC 4180, with comma, semicolon or tab; UTF-8 (with or without mark), UTF-16 with mark,
GB18030; header names in Chinese or English.
"""

from __future__ import annotations

import csv
import hashlib
import io
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

from catalog.errors import Invalid
from catalog.metadata import clean, clean_filename, split_list, title_of
from catalog.text import is_plain
from catalog.words import fold

TABLE_LIMIT_BYTES = 64 * 1024 * 1024
ROWS_LIMIT = 100_000
PATH_LIMIT_CHARS = 1000
PROBLEMS_LIMIT = 1000

HEADERS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "path", "文件", "文件名", "视频", "视频文件", "路径"),
    "title": ("title", "name", "标题", "课题", "名称", "课程名称"),
    "description": ("description", "简介", "说明", "描述"),
    "series": ("series", "系列", "栏目"),
    "position": ("position", "number", "序号", "集数", "期数"),
    "stage": ("stage", "学段"),
    "grade": ("grade", "年级"),
    "subject": ("subject", "学科", "科目"),
    "edition": ("edition", "textbook", "教材", "教材版本", "版本"),
    "chapter": ("chapter", "章节", "单元", "课次"),
    "knowledge_points": ("knowledge_points", "knowledge points", "知识点"),
    "tags": ("tags", "标签", "关键词"),
    "teacher": ("teacher", "教师", "老师", "主讲教师", "授课教师", "主讲"),
    "school": ("school", "学校", "单位"),
    "visibility": ("visibility", "可见范围", "公开范围", "权限"),
}
_COLUMN = {fold(name): column for column, names in HEADERS.items() for name in names}
_LISTS = ("tags", "knowledge_points")
_COLUMN_OF_FIELD = {"teacher_name": "teacher", "school_id": "school", "series_id": "series"}


class FileState(Enum):
    """What was found where a row points."""

    GOOD = "good"
    MISSING = "there is no such file below the media directory"
    OUTSIDE = "lies outside the media directory"
    NO_FILE = "is not a file"
    EMPTY = "is empty (0 bytes)"
    UNREADABLE = "cannot be read"
    NO_MEDIA = "is not a video or sound recording"


@dataclass(frozen=True, slots=True)
class FileFound:
    """A row's file; sample is a digest over its first and last bytes."""

    state: FileState
    size_bytes: int = 0
    sample: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line of the table (the header is line 1); column "" for the whole line."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        return f"line {self.line}{column}: {self.reason}"


class TableRefused(Invalid):
    """The table is not imported; `problems` says every reason, up to PROBLEMS_LIMIT."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems[:PROBLEMS_LIMIT])
        super().__init__(
            f"{len(problems)} problems in the table, nothing was imported; first: {problems[0]}"
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: the path of its file, cleaned, and its cells by column."""

    line: int
    path: str
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it was read, with what was already wrong."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """What the city knows, by name and by id."""

    schools: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """A lesson to import. import_key is the same whenever the same file comes again."""

    line: int
    path: str
    size_bytes: int
    import_key: str
    filename: str
    fields: Mapping[str, Any]


def read_table(raw: bytes) -> Table:
    """Read a CSV. Raises: TableRefused when it is no table with a column for the file."""
    if len(raw) > TABLE_LIMIT_BYTES:
        raise _whole(f"the table is larger than {TABLE_LIMIT_BYTES >> 20} MiB: cut it in two")
    text = _decode(raw)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return _read_rows(reader)
    except csv.Error as error:
        raise _whole(f"this is not a table: {error}", reader.line_num) from None


def check_table(table: Table, names: Names, files: Mapping[str, FileFound]) -> list[Item]:
    """Check every row. Raises: TableRefused with every problem of the table."""
    problems = list(table.problems)
    items: list[Item] = []
    lines: dict[str, int] = {}
    for row in table.rows:
        first = lines.setdefault(row.path.casefold(), row.line)
        if first != row.line:
            problems.append(Problem(row.line, "file", f"the same file as in line {first}"))
            continue
        item, found = _item(row, names, files[row.path])
        problems.extend(found)
        if item is not None:
            items.append(item)
    if problems:
        raise TableRefused(sorted(problems, key=lambda problem: problem.line))
    return items


def clean_path(text: str) -> str:
    """Give a path below the media directory with '/' between its parts. Raises: Invalid."""
    text = unicodedata.normalize("NFC", text[: 4 * PATH_LIMIT_CHARS]).strip().replace("\\", "/")
    path = PurePosixPath(text)
    if not path.parts or len(text) > PATH_LIMIT_CHARS or not is_plain(text):
        raise Invalid(f"must be a path of 1 to {PATH_LIMIT_CHARS} characters without control ones")
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise Invalid("must be a path below the media directory, without ..")
    return str(path)


def _read_rows(reader: Any) -> Table:
    header: list[str] = next(reader, [])
    columns, problems = _columns(header)
    rows: list[Row] = []
    count = 0
    for cells in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        count += 1
        if count > ROWS_LIMIT:
            raise _whole(f"the table has more than {ROWS_LIMIT} rows: cut it in two", line)
        if len(cells) > len(columns):
            problems.append(Problem(line, "", f"{len(cells)} cells, but {len(columns)} columns"))
            continue
        values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
        try:
            rows.append(Row(line, clean_path(values.pop("file", "")), values))
        except Invalid as error:
            problems.append(Problem(line, "file", str(error)))
    if count == 0:
        raise _whole("the table has no rows")
    return Table(tuple(rows), tuple(problems))


def _columns(header: Sequence[str]) -> tuple[list[str], list[Problem]]:
    columns = [_COLUMN.get(fold(name), "") for name in header]
    problems = [
        Problem(1, name.strip()[:40], "no such column; known are " + ", ".join(HEADERS))
        for name, column in zip(header, columns, strict=True)
        if not column and name.strip()
    ]
    for column in sorted({c for c in columns if c and columns.count(c) > 1}):
        problems.append(Problem(1, column, "comes twice"))
    if "file" not in columns:
        raise TableRefused([*problems, Problem(1, "file", "the column of the file is missing")])
    return columns, problems


def _item(row: Row, names: Names, found: FileFound) -> tuple[Item | None, list[Problem]]:
    problems: list[Problem] = []
    if found.state is not FileState.GOOD:
        problems.append(Problem(row.line, "file", f"{row.path[:200]} {found.state.value}"))
    try:
        filename = clean_filename(row.path)
        fields = _fields(row, names, filename)
    except Invalid as error:
        for name, reason in (error.fields or {"": str(error)}).items():
            problems.append(Problem(row.line, _COLUMN_OF_FIELD.get(name, name), reason))
        return None, problems
    key = _import_key(row.path, found)
    return Item(row.line, row.path, found.size_bytes, key, filename, fields), problems


def _fields(row: Row, names: Names, filename: str) -> dict[str, Any]:
    cells = row.cells
    raw: dict[str, Any] = {
        name: cells[name]
        for name in ("description", "stage", "grade", "subject", "edition", "chapter")
        if cells.get(name)
    }
    raw |= {name: split_list(cells[name]) for name in _LISTS if cells.get(name)}
    raw["title"] = cells.get("title") or title_of(filename)
    raw["visibility"] = cells.get("visibility") or "public"
    raw["teacher_name"] = cells.get("teacher", "")
    raw["position"] = _number(cells.get("position", ""))
    wrong: dict[str, str] = {}
    raw["school_id"] = _named(names.schools, cells.get("school", ""), "school", wrong)
    raw["series_id"] = _named(names.series, cells.get("series", ""), "series", wrong)
    fields: dict[str, Any] = {}
    try:
        fields = clean(raw)
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid("the row breaks rules", wrong)
    return fields


def _named(known: Mapping[str, str], name: str, column: str, wrong: dict[str, str]) -> str | None:
    """Find something of the city by name or id; note it when it is not there."""
    if not name:
        return None
    found = known.get(unicodedata.normalize("NFC", name))
    if found is None:
        wrong[column] = f"there is no {column} {name[:60]!r}: add it first, or correct the name"
    return found


def _number(text: str) -> Any:
    """Give a position; what is no number stays as it is, for the rules to refuse."""
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _import_key(path: str, found: FileFound) -> str:
    identity = "\0".join((path.casefold(), str(found.size_bytes), found.sample))
    return hashlib.sha256(identity.encode()).hexdigest()


def _decode(raw: bytes) -> str:
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _whole("the table is in no known encoding: save it as CSV in UTF-8")


def _whole(reason: str, line: int = 1) -> TableRefused:
    return TableRefused([Problem(line, "", reason)])
