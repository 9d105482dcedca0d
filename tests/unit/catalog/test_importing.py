"""Tables as bureaus have them, and every way in which a row can be bad."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.ids import new_id
from catalog.importing import (
    PATH_LIMIT_CHARS,
    PROBLEMS_LIMIT,
    ROWS_LIMIT,
    TABLE_LIMIT_BYTES,
    FileFound,
    FileState,
    Item,
    Names,
    TableRefused,
    check_table,
    clean_path,
    read_table,
)

SCHOOL, SERIES = new_id(), new_id()
NAMES = Names({"实验小学": SCHOOL, SCHOOL: SCHOOL}, {"青快学": SERIES})
GOOD = FileFound(FileState.GOOD, 1000, "sample")
TABLE = (
    "文件,标题,年级,学科,学校,系列,标签,知识点\n"
    "一/a.mp4,分数,五年级,数学,实验小学,青快学,重点、难点,分数\n"
)


def check(text: str, found: FileFound = GOOD, encoding: str = "utf-8") -> list[Item]:
    table = read_table(text.encode(encoding))
    return check_table(table, NAMES, {row.path: found for row in table.rows})


def problems(text: str, found: FileFound = GOOD) -> list[str]:
    with pytest.raises(TableRefused) as refused:
        check(text, found)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_good_row_in_every_form(encoding: str, newline: str, delimiter: str) -> None:
    [item] = check(TABLE.replace(",", delimiter).replace("\n", newline), encoding=encoding)
    assert (item.line, item.path, item.filename, item.size_bytes) == (2, "一/a.mp4", "a.mp4", 1000)
    assert item.fields["title"] == "分数"
    assert (item.fields["grade"], item.fields["subject"]) == ("g5", "mathematics")
    assert (item.fields["school_id"], item.fields["series_id"]) == (SCHOOL, SERIES)
    assert item.fields["tags"] == ["重点", "难点"]
    assert (item.fields["visibility"], item.fields["teacher_name"]) == ("public", "")


def test_english_headers_quotes_and_only_a_file() -> None:
    text = 'File , Title,Description,Position\n"b.mp4","a ""b"", c","two\nlines",3\n\nc_d.mp4,,,\n'
    first, second = check(text)
    assert first.fields["title"] == 'a "b", c'
    assert (first.fields["description"], first.fields["position"]) == ("two\nlines", 3)
    assert (second.fields["title"], second.fields["position"]) == ("c d", None)


def test_the_key_follows_the_file_and_not_the_words() -> None:
    [one], [other_words] = check("file,title\na.mp4,x\n"), check("file,title\nA.mp4,y\n")
    assert one.import_key == other_words.import_key
    [other_file] = check("file\na.mp4\n", FileFound(FileState.GOOD, 1000, "other"))
    assert other_file.import_key != one.import_key


def test_every_bad_row_is_told_with_its_line_and_reason() -> None:
    text = (
        "file,title,grade,subject,school,series,position,tags,visibility\n"
        "a.mp4,ok,,,,,,,\n"
        "a.mp4,again,,,,,,,\n"
        "../b.mp4,,,,,,,,\n"
        "c.mp4,,十三年级,占星,无名小学,无名系列,x,,everyone\n"
        f"d.mp4,{'长' * 201},,,,,,{'、'.join(str(n) for n in range(31))},\n"
        "e.mp4,a\x01b,,,,,,,\n"
        "f.mp4,too,,,,,,,,many\n"
        ",nothing,,,,,,,\n"
    )
    found = problems(text)
    assert sorted(line.partition(": ")[0] for line in found) == [
        "line 3, file", "line 4, file", "line 5, grade", "line 5, position", "line 5, school",
        "line 5, series", "line 5, subject", "line 5, visibility", "line 6, tags",
        "line 6, title", "line 7, title", "line 8", "line 9, file",
    ]  # fmt: skip
    assert "line 3, file: the same file as in line 2" in found
    assert any("there is no school '无名小学'" in line for line in found)


@pytest.mark.parametrize("state", [state for state in FileState if state is not FileState.GOOD])
def test_bad_files(state: FileState) -> None:
    assert problems("file\na.mp4\n", FileFound(state)) == [f"line 2, file: a.mp4 {state.value}"]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "column of the file is missing"),
        (b"file\n", "no rows"),
        (b"title\nx\n", "column of the file is missing"),
        (b"file,colour\na.mp4,red\n", "no such column"),
        (b"file,title,name\na.mp4,x,y\n", "comes twice"),
        (b'file\n"a.mp4\n', "not a table"),
        (b"file\n" + b"x" * 200_000, "not a table"),
        (b"\xff\xfea", "encoding"),
        (b"x" * (TABLE_LIMIT_BYTES + 1), "larger than 64 MiB"),
        (b"file\n" + b"a\n" * (ROWS_LIMIT + 1), "more than 100000 rows"),
    ],
)
def test_what_is_no_table(raw: bytes, sentence: str) -> None:
    with pytest.raises(TableRefused, match=sentence):
        check_table(table := read_table(raw), NAMES, {row.path: GOOD for row in table.rows})


def test_a_thousand_problems_are_told_of_more() -> None:
    with pytest.raises(TableRefused) as refused:
        check("file\n" + "".join(f"../{n}\n" for n in range(PROBLEMS_LIMIT + 5)))
    assert len(refused.value.problems) == PROBLEMS_LIMIT
    assert "1005 problems" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("a.mp4", "a.mp4"), (" 一\\二/c.mp4 ", "一/二/c.mp4"), ("./a//b.mp4", "a/b.mp4"),
     ("e\u0301.mp4", "\u00e9.mp4")],
)  # fmt: skip
def test_paths(given: str, kept: str) -> None:
    assert clean_path(given) == kept


@pytest.mark.parametrize(
    "given",
    ["", ".", "./", "/etc/passwd", "../a", "a/../../b", "C:\\a.mp4", "\\\\host\\a", "a\x00", "a\nb",
     "x" * (PATH_LIMIT_CHARS + 1)],
)  # fmt: skip
def test_paths_that_are_refused(given: str) -> None:
    with pytest.raises(Invalid):
        clean_path(given)


@given(st.binary(max_size=500))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        table = read_table(b"file,title\n" + raw)
    except TableRefused:
        return
    with suppress(TableRefused):
        check_table(table, NAMES, {row.path: GOOD for row in table.rows})
