"""Saved folders: written whole or not at all, and never read where a byte differs."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evorec.core.artifact import MANIFEST, Reader, write_arrays, write_json, writing
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
