"""Saved folders: written whole or not at all, and never read where a byte differs."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evorec.core.artifact import (
    MANIFEST,
    Reader,
    identity,
    seal,
    write_arrays,
    write_json,
    writing,
    writing_together,
)
from evorec.core.errors import ArtifactError, InputError

KIND = "test model"


def save(target, number=1):
    with writing(target, kind=KIND) as draft:
        write_json(draft / "card.json", {"name": "茶", "number": number})
        write_arrays(draft / "table.safetensors", {"x": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1]})


def number_in(target):
    return Reader(target, kind=KIND).json("card.json")["number"]


@pytest.fixture
def saved(tmp_path):
    save(tmp_path / "model")
    return tmp_path / "model"


def test_what_is_written_is_read(saved):
    reader = Reader(saved, kind=KIND)
    assert reader.json("card.json") == {"name": "茶", "number": 1}
    assert reader.arrays("table.safetensors")["x"].tolist() == [[2, 1, 0], [5, 4, 3]]
    assert reader.names == {"card.json", "table.safetensors"}
    assert "茶" in (saved / "card.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["card.json", "table.safetensors", MANIFEST])
def test_every_flipped_byte_is_noticed(saved, name):
    path = saved / name
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in (0x01, 0x07):  # 0x07 turns a line feed into a carriage return
            path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
            with pytest.raises(ArtifactError):
                Reader(saved, kind=KIND)
    path.write_bytes(whole)
    assert number_in(saved) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.binary(max_size=200))
def test_a_manifest_of_other_bytes_is_refused(saved, content):
    whole = (saved / MANIFEST).read_bytes()
    (saved / MANIFEST).write_bytes(content)
    with pytest.raises(ArtifactError):
        Reader(saved, kind=KIND)
    (saved / MANIFEST).write_bytes(whole)


@pytest.mark.parametrize("name", ["card.json", "table.safetensors", MANIFEST])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        Reader(saved, kind=KIND)


def test_a_shortened_file_is_named(saved):
    path = saved / "table.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=r"table\.safetensors is damaged"):
        Reader(saved, kind=KIND)


def test_a_file_that_was_never_listed_is_not_read(saved):
    (saved / "extra.json").write_text("{}")
    with pytest.raises(ArtifactError, match="lacks extra"):
        Reader(saved, kind=KIND).json("extra.json")


def test_another_kind_and_another_format_are_refused(saved):
    with pytest.raises(ArtifactError, match="holds a test model, not a other"):
        Reader(saved, kind="other")
    manifest = json.loads((saved / MANIFEST).read_text(encoding="utf-8"))
    write_json(saved / MANIFEST, {**manifest, "format": 99})
    with pytest.raises(ArtifactError, match="format 99"):
        Reader(saved, kind=KIND)


@pytest.mark.parametrize("name", ["../secret", "../model/../secret", "/etc/hostname", "link", "a\0b", "."])
def test_a_manifest_cannot_lead_out_of_the_folder(saved, name):
    (saved.parent / "secret").write_text("secret")
    (saved / "link").symlink_to(saved.parent / "secret")
    manifest = json.loads((saved / MANIFEST).read_text(encoding="utf-8"))
    write_json(saved / MANIFEST, {**manifest, "sha256": {name: "0" * 64}})
    with pytest.raises(ArtifactError, match=r"outside|missing"):
        Reader(saved, kind=KIND)


def test_an_interrupted_write_leaves_the_old_one(saved):
    def interrupted():
        with writing(saved, kind=KIND) as draft:
            write_json(draft / "card.json", {"number": 2})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert number_in(saved) == 1
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_a_new_one_replaces_the_old_one_whole(saved):
    save(saved, number=2)
    assert number_in(saved) == 2
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "new").mkdir()
    save(tmp_path / "new")
    save(tmp_path / "deep" / "er")
    assert number_in(tmp_path / "new") == number_in(tmp_path / "deep" / "er") == 1


@pytest.mark.parametrize("content", [{"notes.txt": "mine"}, {MANIFEST: '{"name": "my web page"}'}, {MANIFEST: "{"}])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path, content):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name, text in content.items():
        (foreign / name).write_text(text)
    with pytest.raises(InputError, match="not a saved test model"):
        save(foreign)
    assert {path.name: path.read_text() for path in foreign.iterdir()} == content


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for target in (tmp_path / "file", tmp_path / "file" / "model"):
        with pytest.raises(InputError, match="not a folder"):
            save(target)
    assert (tmp_path / "file").read_text() == "mine"


def test_nan_is_no_json(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", float("nan"))


class TestFoldersThatBelongTogether:
    @staticmethod
    def write(root, number, between=lambda: None):
        with writing_together([(root / "a", KIND), (root / "b", "another kind")]) as (a, b):
            write_json(a / "card.json", {"number": number})
            write_json(b / "card.json", {"number": number, "of": seal(a, kind=KIND)})
            between()

    @staticmethod
    def numbers(root):
        return [
            Reader(root / part, kind=kind).json("card.json")["number"]
            for part, kind in (("a", KIND), ("b", "another kind"))
        ]

    def test_one_names_the_other(self, tmp_path):
        self.write(tmp_path, 1)
        told = Reader(tmp_path / "b", kind="another kind").json("card.json")["of"]
        assert told == identity(tmp_path / "a")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]

    @pytest.mark.parametrize("held", [True, False])
    @pytest.mark.parametrize("moves", range(5))
    def test_a_move_that_fails_leaves_all_as_it_was(self, tmp_path, monkeypatch, held, moves):
        if held:
            self.write(tmp_path, 1)
        whole, done = Path.replace, []

        def fails(path, target):
            done.append(path)
            if len(done) == moves + 1:
                raise KeyboardInterrupt
            return whole(path, target)

        monkeypatch.setattr(Path, "replace", fails)
        if moves < (4 if held else 2):
            with pytest.raises(KeyboardInterrupt):
                self.write(tmp_path, 2)
            assert sorted(path.name for path in tmp_path.iterdir()) == (["a", "b"] if held else [])
            assert not held or self.numbers(tmp_path) == [1, 1]
        else:
            self.write(tmp_path, 2)
            assert self.numbers(tmp_path) == [2, 2]

    def test_all_places_are_checked_before_anything_is_written(self, tmp_path):
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "thesis.txt").write_text("mine")
        with pytest.raises(InputError, match="not a saved another kind"):
            self.write(tmp_path, 1)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]
