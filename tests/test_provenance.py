"""Checksums and versions."""

import hashlib

from arealstrategi.provenance import PACKAGES, sha256, versions


def test_a_file_and_a_folder_have_checksums(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(b"x" * 3_000_000).hexdigest()
    folder = tmp_path / "some.gdb"
    folder.mkdir()
    (folder / "1").write_bytes(b"one")
    (folder / "2").write_bytes(b"two")
    assert sha256(folder) == hashlib.sha256(b"onetwo").hexdigest()


def test_versions_name_every_package_that_a_result_rests_on():
    assert set(versions()) == {"python", *PACKAGES}
    assert all(versions().values())
