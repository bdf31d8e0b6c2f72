"""Scans split by group, and their way into a folder or an object store."""

from __future__ import annotations

import gzip
import zlib

import pytest
from scan_reading import Entry, lines, mpistat, wrstat

from meterhouse.feeds.filesystem.splitter import SplitError, split
from meterhouse.feeds.filesystem.upload import UploadError, upload

NAMES = {7: "hgi", 8: "../evil", 9: "left"}


def entry(path: str, gid: int, type: str = "f") -> Entry:
    return Entry(path.encode(), 1, gid=gid, type=type)


def scan(tmp_path, content: bytes, name="scan.dat"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def parts(folder):
    return {path.name: gzip.decompress(path.read_bytes()) for path in folder.glob("*.dat.gz")}


@pytest.mark.parametrize(("form", "name"), [(mpistat, "a.dat"), (mpistat, "a.gz"), (wrstat, "a.gz")])
def test_each_group_has_its_lines_byte_for_byte(tmp_path, form, name):
    of_7 = [
        entry("/l", 7, "d"),
        entry("/l/a b\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), 7),
    ]
    of_8, of_55 = entry("/l/x", 8), entry("/l/y", 55)
    path = scan(tmp_path, lines(of_7[0], of_8, of_55, of_7[1], form=form), name)
    made = split([path], tmp_path / "out", NAMES)
    assert parts(tmp_path / "out") == {
        "hgi.dat.gz": lines(*of_7, form=form),
        "8.dat.gz": lines(of_8, form=form),  # a name that is no file's name
        "55.dat.gz": lines(of_55, form=form),
    }
    assert (made.records, made.bad_lines) == ({"55.dat.gz": 1, "8.dat.gz": 1, "hgi.dat.gz": 2}, 0)


def test_a_line_may_begin_with_the_volume(tmp_path):
    line = b"s119\t" + lines(entry("/l", 7, "d"))
    split([scan(tmp_path, line)], tmp_path / "out", NAMES)
    assert parts(tmp_path / "out") == {"hgi.dat.gz": line}
    assert (tmp_path / "out" / "index.txt").read_text().splitlines()[1].endswith("\t1\t1")


def test_a_part_is_one_stream_however_long_it_is(tmp_path):
    import random

    chance = random.Random(1)
    of_7 = [entry(f"/l/{chance.randbytes(40).hex()}", 7) for _ in range(20_000)]
    split([scan(tmp_path, lines(*of_7))], tmp_path / "out", NAMES)
    packed = (tmp_path / "out" / "hgi.dat.gz").read_bytes()
    assert len(packed) > 3 * 2**18
    stream = zlib.decompressobj(31)
    assert stream.decompress(packed) == lines(*of_7)
    assert stream.eof
    assert stream.unused_data == b""


@pytest.mark.parametrize(
    ("records", "directories", "seconds", "memory"),
    [
        (1000, 7, 100, (7 * 2 + 50) * 12_000),  # 0.7 %
        (1000, 8, 100, (8 * 2 + 50) * 10_000),
        (1000, 15, 100, (15 * 2 + 50) * 9_000),
        (1000, 20, 100, (20 * 2 + 50) * 8_500),
        (1000, 40, 100, (40 * 2 + 50) * 8_000),
        (11_000, 0, 101, 50 * 12_000),
    ],
)
def test_the_index_tells_how_long_a_reader_takes_to_start(tmp_path, records, directories, seconds, memory):
    content = lines(entry("/d", 7, "d")) * directories + lines(entry("/f", 7)) * (records - directories)
    split([scan(tmp_path, content)], tmp_path / "out", NAMES)
    assert (tmp_path / "out" / "index.txt").read_text().splitlines() == [
        "Group\tBuild time (sec)\tMemory use\tRecords\tDirectories",
        f"hgi\t{seconds}\t{memory}\t{records}\t{directories}",
    ]


def test_bad_lines_are_counted_and_left_out(tmp_path):
    good = lines(entry("/l", 7))
    odd = [b"broken\n", good.replace(b"\t7\t", b"\tx\t"), b"x" * (2**20 + 5) + b"\n", b"\n"]
    made = split([scan(tmp_path, good + b"".join(odd) + good)], tmp_path / "out", NAMES)
    assert parts(tmp_path / "out") == {"hgi.dat.gz": good * 2}
    assert made.bad_lines == 4


@pytest.mark.parametrize("damage", [lambda whole: whole[:-9], lambda whole: whole[:-8] + b"\0" * 8])
def test_of_a_scan_that_is_cut_off_or_damaged_nothing_is_made(tmp_path, damage):
    whole = gzip.compress(lines(entry("/l", 7)) * 1000)
    path = tmp_path / "scan.gz"
    path.write_bytes(damage(whole))
    with pytest.raises(SplitError, match="expected a whole gzip file"):
        split([path], tmp_path / "out", NAMES)
    with pytest.raises(SplitError, match="it was cut off"):
        split([scan(tmp_path, lines(entry("/l", 7))[:-1])], tmp_path / "out", NAMES)
    with pytest.raises(SplitError, match="it was cut off"):
        split([scan(tmp_path, b"")], tmp_path / "out", NAMES)
    assert [one.name for one in tmp_path.iterdir() if one.is_dir()] == []


def test_on_the_command_line_only_own_groups_with_their_users(world):
    path = scan(world.folder, lines(entry("/l", 7), entry("/m", 8), entry("/n", 9)))
    groups = world.groups("group,pi\nhgi,Smith\nleft,Jones\n")
    told = world.done(
        *("storage", "split", path, "--out", world.folder / "out", "--own", "--groups", groups),
        *("--group-file", world.path / "group", "--passwd-file", world.path / "passwd"),
    )
    assert "1 records of other groups, 0 bad lines" in told
    told = world.done(
        *("storage", "split", path, "--out", world.folder / "more", "--own", "--groups", groups),
        *("--group-file", world.path / "group", "--below", "/m"),
    )
    assert sorted(parts(world.folder / "more")) == ["hgi.dat.gz", "humgen.dat.gz", "left.dat.gz"]
    out = world.folder / "out"
    assert sorted(parts(out)) == ["hgi.dat.gz", "left.dat.gz"]
    assert (out / "groupfile").read_text() == (world.path / "group").read_text()
    assert (out / "passwdfile").read_text() == (world.path / "passwd").read_text()
    with pytest.raises(SplitError, match="expected no such folder yet"):
        world.run("storage", "split", path, "--out", out)


@pytest.mark.parametrize("form", [mpistat, wrstat, lambda one: b"s116\t" + mpistat(one)])
def test_of_other_groups_what_lies_below_a_directory_may_be_taken_too(tmp_path, form):
    own = entry("/l/s116/x/a", 7)
    below = [entry("/l/s116/vr", 8, "d"), entry("/l/s116/vr/b c", 8), entry("/l/s116/vr/d/e", 9)]
    others = [entry("/l/s116/vrx", 8), entry("/l/s116", 9, "d"), entry("/l/s117/vr/a", 9)]
    path = scan(tmp_path, lines(own, *below, *others, form=form))
    made = split(
        [path], tmp_path / "out", NAMES, wanted=lambda gid, name: gid == 7, also_below=[b"/l/s116/vr/"]
    )
    assert parts(tmp_path / "out") == {
        "hgi.dat.gz": lines(own, form=form),
        "8.dat.gz": lines(*below[:2], form=form),
        "left.dat.gz": lines(below[2], form=form),
    }
    assert made.left_out == 3


def test_how_far_a_split_is_is_told(tmp_path):
    path = scan(tmp_path, lines(*[entry(f"/l/{n}", 7) for n in range(100_001)]), "a.gz")
    told = []
    split(
        [path], tmp_path / "out", NAMES, progress=lambda read_bytes, lines: told.append((read_bytes, lines))
    )
    assert [lines for _, lines in told] == [50_000, 100_000]
    assert 0 < told[0][0] <= told[1][0] <= path.stat().st_size


@pytest.fixture(scope="module")
def store():
    """A real HTTP server on loopback that speaks S3, with a bucket."""
    boto3 = pytest.importorskip("boto3")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, "test")
            patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
            endpoint = f"http://{host}:{port}"
            client = boto3.client("s3", endpoint_url=endpoint)
            client.create_bucket(Bucket="branchserve")
            yield endpoint, client
    finally:
        server.stop()


def folder_of(tmp_path, **files):
    folder = tmp_path / "parts"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)
    return folder


def test_files_reach_a_bucket_whole_in_parts_and_once(tmp_path, store):
    endpoint, client = store
    large = bytes(range(256)) * (2**20 // 8)  # 32 MiB: two parts
    folder = folder_of(tmp_path, index_txt=b"i", a_dat=b"a", z_dat=large)
    target = "s3://branchserve/mpistat/"
    assert upload(folder, target, endpoint=endpoint) == ["a.dat", "z.dat", "index.txt"]
    found = client.list_objects_v2(Bucket="branchserve", Prefix="mpistat/")["Contents"]
    assert [one["Key"] for one in found] == ["mpistat/a.dat", "mpistat/index.txt", "mpistat/z.dat"]
    got = client.get_object(Bucket="branchserve", Key="mpistat/z.dat")
    assert got["ETag"].endswith('-2"')
    assert got["Body"].read() == large
    assert upload(folder, target, endpoint=endpoint) == []
    folder_of(tmp_path, a_dat=b"b")
    assert upload(folder, target, endpoint=endpoint) == ["a.dat"]


def test_a_store_that_refuses_is_told_of(tmp_path, store):
    folder = folder_of(tmp_path, a_dat=b"a")
    with pytest.raises(UploadError, match="s3://nowhere"):
        upload(folder, "s3://nowhere/x", endpoint=store[0])


def test_files_reach_a_folder_whole_and_once(tmp_path):
    folder, target = folder_of(tmp_path, index_txt=b"i", a_dat=b"a"), tmp_path / "target"
    target.mkdir()
    (target / "other").write_text("stays")
    assert upload(folder, str(target)) == ["a.dat", "index.txt"]
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        "a.dat": b"a", "index.txt": b"i", "other": b"stays",
    }  # fmt: skip
    assert upload(folder, str(target)) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(UploadError, match="expected files, found none"):
        upload(tmp_path / "empty", str(target))
