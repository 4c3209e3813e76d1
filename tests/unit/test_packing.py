"""A study packed into one file and repeated from it elsewhere."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from optimodels import packing
from optimodels.case import load_case
from optimodels.cli import main
from optimodels.errors import CallError, CaseError
from optimodels.solvers import registry
from tests.conformance import liars

CASE = """\
model: flexibility/shiftable-loads
profiles:
  load: [50, 100, 80]
  price: {csv: data/prices.csv, column: eur_per_mwh}
parameters: {power_flow: none, discrete: false}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A case in a folder of its own, with a file in a folder below."""
    folder = tmp_path / "own"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "prices.csv").write_text("hour,eur_per_mwh\n0,20\n1,40\n2,30\n")
    (folder / "my.yaml").write_text(CASE)
    return folder / "my.yaml"


def changed(file: Path, changes: dict[str, bytes | None]) -> Path:
    """Write the archive anew with some entries replaced, added or (None) left out."""
    with zipfile.ZipFile(file) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()} | changes
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(other, "w") as archive:
        for name, content in kept.items():
            if content is not None:
                archive.writestr(name, content)
    return other


def packed(own: Path, *settings: str) -> Path:
    file = own.parents[1] / "study.zip"
    told = [part for setting in settings for part in ("--set", setting)]
    assert main(["pack", str(own), *told, "--out", str(file)]) == 0
    return file


def test_study_is_repeated_where_the_case_is_not(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packed(own, "parameters.kilowatts_per_customer=20")
    shutil.rmtree(own.parent)
    elsewhere = file.parent / "elsewhere"
    elsewhere.mkdir()
    moved = shutil.move(file, elsewhere / "sent.zip")
    monkeypatch.chdir(elsewhere)
    capsys.readouterr()
    assert main(["repeat", str(moved)]) == 0
    study = packing.read_study(Path(moved))
    # By hand: the dear hour 2 is relieved in full (m = 1) by all of hour 1 and, to keep the energy,
    # by 50 of the 80 percent of hour 3; a percent of the load is 37.15 kW.
    gain = 37.15e-3 * (100 * 40 - 50 * 20 - 50 * 30)
    assert study.runs[0].objective == pytest.approx(-gain, rel=1e-9)
    figures = 4 + len(study.runs[0].values)
    assert f"{figures} of {figures} figures agree" in capsys.readouterr().out
    assert os.listdir(elsewhere) == ["sent.zip"]


def test_a_figure_that_differs_is_named_and_ends_with_1(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = packed(own)
    study = packing.read_study(file)
    run = study.runs[0]
    assert run.objective is not None
    lied = replace(study, runs=[replace(run, objective=run.objective * (1 + 3e-6))])
    file.write_bytes(packing.pack(lied))
    assert main(["repeat", str(file)]) == 1
    said = capsys.readouterr().out
    assert "objective" in said.splitlines()[-2]
    assert said.splitlines()[-2].rstrip().endswith("no")
    figures = len(run.figures)
    assert f"  {figures - 1} of {figures} figures agree" in said.splitlines()[-1]
    # What processors may differ by is no difference.
    near = replace(study, runs=[replace(run, objective=run.objective * (1 + 3e-7))])
    file.write_bytes(packing.pack(near))
    assert main(["repeat", str(file)]) == 0


def test_a_claim_that_is_refuted_again_ends_with_1(
    own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All figures agree: the same wrong answer twice is no right one."""
    known, liar = registry.all_solvers(), liars.liar(liars.false_infeasible)
    monkeypatch.setattr(registry, "all_solvers", lambda: (*known, liar))
    study = packing.solved(load_case(own, ["solver=liar"]))
    assert (study.runs[0].verdict, study.exit_code) == ("refuted", 1)
    file = own.parents[1] / "study.zip"
    file.write_bytes(packing.pack(study))
    assert main(["repeat", str(file)]) == 1
    figures = len(study.runs[0].figures)
    assert f"{figures} of {figures} figures agree" in capsys.readouterr().out


def test_sweep_is_packed_run_by_run(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own.parent / "more.csv").write_text("eur_per_mwh\n20\n40\n35\n")
    text = CASE + (
        "sweep:\n  zip: {profiles.price.csv: [data/prices.csv, more.csv]}\n"
        "  grid: {solver: [highs, clarabel]}\n"
    )
    own.write_text(text)
    file = packed(own)
    assert "4 of 4 runs verified" in capsys.readouterr().out
    study = packing.read_study(file)
    # Files that only some runs name are there too.
    assert set(study.files) == {"my.yaml", "data/prices.csv", "more.csv"}
    assert [run.keys["solver"] for run in study.runs] == ["highs", "clarabel"] * 2
    shutil.rmtree(own.parent)
    assert main(["repeat", str(file)]) == 0


def test_runs_that_the_case_has_not_are_one_line(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = packed(own)
    study = packing.read_study(file)
    file.write_bytes(packing.pack(replace(study, runs=[*study.runs, *study.runs])))
    capsys.readouterr()
    assert main(["repeat", str(file)]) == 2
    said = capsys.readouterr()
    assert "tells of 2 runs; its case has 1" in said.err
    assert len(said.err.splitlines()) == 1


def test_equal_studies_are_equal_files(own: Path) -> None:
    assert packed(own).read_bytes() == packed(own).read_bytes()


def test_other_versions_are_said(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = packed(own)
    study = packing.read_study(file)
    older = {**study.environment, "python": "3.0.0"}
    file.write_bytes(packing.pack(replace(study, environment=older)))
    assert main(["repeat", str(file)]) == 0
    assert "3.0.0 where it was packed" in capsys.readouterr().out


def test_folders_of_an_archive_are_nothing_to_unpack(own: Path) -> None:
    file = packed(own)
    with_folders = changed(file, {"case/": b"", "case/data/": b""})
    assert packing.read_study(with_folders) == packing.read_study(file)


@pytest.mark.parametrize(
    "name", ["case/../../out", "/out", "case//out", "case/C:out", "case/..\\out", "case/./out"]
)
def test_no_path_leads_out_of_the_archive(own: Path, name: str) -> None:
    file = changed(packed(own), {name: b"escaped"})
    with pytest.raises(CallError, match="leads elsewhere"):
        packing.read_study(file)
    assert not list(own.parents[1].rglob("out"))


def test_sizes_are_capped_before_anything_is_unpacked(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packed(own)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("case/bomb", bytes(packing.MOST_BYTES + 1))
    with pytest.raises(CallError, match="unpacks to more than 256 MiB"):
        packing.unpack(stream.getvalue())
    many = changed(file, {f"case/{number}": b"" for number in range(packing.MOST_ENTRIES)})
    with pytest.raises(CallError, match="more than 1000 files"):
        packing.read_study(many)
    monkeypatch.setattr(packing, "MOST_BYTES", 16)
    with pytest.raises(CallError, match="larger than"):
        packing.read_study(file)


def test_what_is_no_study_or_was_changed_is_one_line(own: Path) -> None:
    file = packed(own)
    whole = file.read_bytes()
    head = json.loads(zipfile.ZipFile(file).read("study.json"))
    other = {**head, "format": packing.FORMAT + 1}
    without = {**head, "file": "none.yaml"}
    wrong = [
        changed(file, {"case/my.yaml": CASE.replace("100", "90").encode()}).read_bytes(),
        changed(file, {"case/data/prices.csv": None}).read_bytes(),
        changed(file, {"study.json": None}).read_bytes(),
        changed(file, {"study.json": b"[]"}).read_bytes(),
        changed(file, {"study.json": b"{"}).read_bytes(),
        changed(file, {"study.json": json.dumps(other).encode()}).read_bytes(),
        changed(file, {"study.json": json.dumps(without).encode()}).read_bytes(),
        changed(file, {"study.json": b'{"format": 1}'}).read_bytes(),
        changed(file, {"study.json": json.dumps({**head, "runs": 5}).encode()}).read_bytes(),
        changed(file, {"study.json": json.dumps({**head, "runs": [{}]}).encode()}).read_bytes(),
        changed(file, {"study.json": json.dumps({**head, "settings": [5]}).encode()}).read_bytes(),
        whole[: len(whole) // 2],
        b"",
        b"text",
    ]
    for content in wrong:
        file.write_bytes(content)
        with pytest.raises(CallError) as raised:
            packing.read_study(file)
        assert str(raised.value).startswith(f"{file}: ")
        assert "\n" not in str(raised.value)
    for at in range(0, len(whole), 7):
        # A flipped bit is one line as well, or one that nothing is read from, such as a date.
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with contextlib.suppress(CallError):
            packing.read_study(file)


def test_files_of_elsewhere_are_not_packed(own: Path) -> None:
    shutil.copy(own.parent / "data" / "prices.csv", own.parents[1] / "prices.csv")
    own.write_text(CASE.replace("data/prices.csv", "../prices.csv"))
    with pytest.raises(CallError, match="leads out of the case's folder; to pack it, move"):
        packing.solved(load_case(own, outside=True))
    inside = str(own.parent / "data" / "prices.csv")
    own.write_text(CASE.replace("data/prices.csv", inside))
    with pytest.raises(CallError, match="to pack it"):
        packing.solved(load_case(own))


@pytest.mark.parametrize("name", ["a:b.yaml", "was it?.yaml"])
def test_name_that_some_system_lacks_is_not_packed(own: Path, name: str) -> None:
    """Neither the case's own nor its files': what is packed can be repeated."""
    odd = own.rename(own.with_name(name))
    with pytest.raises(CallError, match="on every system; to pack it, rename it"):
        packing.solved(load_case(odd))
    (own.parent / "20: prices.csv").write_text("eur_per_mwh\n20\n40\n30\n")
    own.write_text(CASE.replace("data/prices.csv", "'20: prices.csv'"))
    with pytest.raises(CallError, match="'20: prices"):
        packing.solved(load_case(own))


def test_more_files_than_are_read_back_are_not_packed(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_ENTRIES", 2)
    with pytest.raises(CallError, match="its files are more than 1, or than 256 MiB"):
        packing.solved(load_case(own))


@pytest.mark.parametrize("name", ["data", "my.yaml/below", "x" * 300])
def test_names_that_cannot_be_unpacked_are_one_line(
    own: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = packed(own)
    study = packing.read_study(file)
    file.write_bytes(packing.pack(replace(study, files={**study.files, name: b""})))
    capsys.readouterr()
    assert main(["repeat", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("my: cannot unpack ")
    assert said.count("\n") == 1


def test_a_packed_case_reads_nothing_of_the_machine(own: Path) -> None:
    """A case that somebody else made may name any path; only those of its archive are read."""
    study = packing.read_study(packed(own))
    secret = own.parents[1] / "secret.csv"
    secret.write_text("eur_per_mwh\n20\n40\n30\n")
    text = CASE.replace("data/prices.csv", str(secret)).encode()
    for evil in (text, CASE.replace("data/prices.csv", "../../../../etc/passwd").encode()):
        with pytest.raises(CaseError, match="leads out of the case's"):
            packing.repeat(replace(study, files={**study.files, "my.yaml": evil}))


def test_place_that_cannot_be_written_is_said_before_the_work(
    own: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(own), "--out", str(own.parent)]) == 2
    assert "is a folder; name a file" in capsys.readouterr().err
    assert main(["pack", str(own), "--out", str(own / "study.zip")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
