"""Files are written whole, where they belong, and under names that are free."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optimodels.errors import RunError
from optimodels.files import BENCHMARK_FILE, STORE_FILE, file_stem, write_whole


@pytest.mark.parametrize("name", ["store", "bench", "Store"])
def test_no_case_takes_the_name_of_what_says_what_a_folder_holds(name: str) -> None:
    assert f"{file_stem(name)}.json".lower() not in (STORE_FILE, BENCHMARK_FILE)
    assert file_stem(f"{name}s") == f"{name}s"


def test_what_a_link_points_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link, target = tmp_path / "report.html", tmp_path / "elsewhere" / "page.html"
    link.symlink_to(target)
    for text in ("first", "second"):
        assert write_whole(link, text) == link
        assert link.is_symlink()
        assert target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(RunError, match=f"cannot write .*{name}: it is no file"):
            write_whole(tmp_path / name, "text")
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "pipe"}
    with pytest.raises(RunError, match="No such file or directory"):
        write_whole(tmp_path / "none" / "x", "text")


def test_a_file_is_as_readable_as_any_other_new_one(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_whole(tmp_path / "whole", "")
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode
