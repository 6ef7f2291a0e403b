"""Readers of data sets: what good files hold, and one sentence about every bad one."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sigmabit.scripts.data import cifar10
from sigmabit.scripts.data.datasets import DatasetError, load

from ..harness.command_line import Call, Refused

BATCH = 20
"""Images of a file here, so two of each class; 10,000 in the real ones."""

RECORD = 1 + cifar10.PIXELS


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10, "BATCH", BATCH)


def refusal(folder: Path, *says: str) -> None:
    """CIFAR-10 in the folder is refused in one sentence that holds these words."""
    with pytest.raises(DatasetError) as caught:
        load("cifar10", folder)
    message = str(caught.value)
    assert "\n" not in message
    for words in says:
        assert words in message


# the binary version


def records(number: int) -> np.ndarray:
    """What file `number` holds: (BATCH, RECORD) bytes."""
    drawn = np.random.default_rng(number).integers(0, 256, (BATCH, RECORD), np.uint8)
    drawn[:, 0] = (np.arange(BATCH) * 7 + number) % 10
    return drawn


def write_binary(folder: Path) -> Path:
    """All six files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 6):
        records(number).tofile(folder / f"data_batch_{number}.bin")
    records(0).tofile(folder / "test_batch.bin")
    return folder


class TestBinary:
    @pytest.mark.parametrize("inside", cifar10.FOLDERS)
    def test_pixels_and_classes(self, inside: str, tmp_path: Path) -> None:
        write_binary(tmp_path / inside)
        found = load("cifar10", tmp_path)
        assert found.train_images.shape == (5 * BATCH, 3, 32, 32)
        assert (found.test_images.dtype, found.test_labels.dtype) == (np.float32, np.int64)
        assert np.array_equal(found.test_labels, records(0)[:, 0])
        # red, green and blue planes, row by row; a third file's sixth image stands at 2 * BATCH + 5
        record = records(3)[5]
        assert found.train_labels[2 * BATCH + 5] == record[0]
        for channel, row, column in ((0, 0, 0), (1, 3, 31), (2, 31, 7)):
            pixel = np.float32(record[1 + 1024 * channel + 32 * row + column]) / np.float32(255)
            assert found.train_images[2 * BATCH + 5, channel, row, column] == pixel
        assert found.tested_on == f"{BATCH} test images"

    def test_only_the_test_part(self, tmp_path: Path) -> None:
        write_binary(tmp_path)
        (tmp_path / "data_batch_4.bin").unlink()
        found = load("cifar10", tmp_path, test_only=True)
        assert found.train_images.shape == (0, 3, 32, 32)
        assert len(found.test_labels) == BATCH

    def test_missing(self, tmp_path: Path) -> None:
        refusal(tmp_path, str(tmp_path), "test_batch.bin", "cifar10-jpeg.tar")
        refusal(tmp_path / "nowhere", "nowhere")
        write_binary(tmp_path)
        (tmp_path / "data_batch_4.bin").unlink()
        refusal(tmp_path, "data_batch_4.bin", "No such file")

    @pytest.mark.parametrize("size", [0, 1, BATCH * RECORD - 1, (BATCH - 1) * RECORD, BATCH * RECORD + 1])
    def test_damaged(self, size: int, tmp_path: Path) -> None:
        path = write_binary(tmp_path) / "data_batch_2.bin"
        path.write_bytes((path.read_bytes() + b"more")[:size])
        refusal(tmp_path, str(path), f"{size} bytes", "truncated")

    def test_unknown_class(self, tmp_path: Path) -> None:
        wrong = records(0)
        wrong[3, 0] = 10
        wrong.tofile(write_binary(tmp_path) / "test_batch.bin")
        refusal(tmp_path, "test_batch.bin", "image 3", "class 10")


# JPEG files


def jpeg(colour: tuple[int, int, int], size: tuple[int, int] = (32, 32), mode: str = "RGB") -> bytes:
    """A file of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).convert(mode).save(file, "JPEG", quality=95)
    return file.getvalue()


Files = dict[str, bytes]


def good_files() -> Files:
    """Every image by its name in the archive; class c is 20 c red, image i is 10 i green, and blue tells the parts apart."""
    return {
        f"{part}/{name}/{number:04d}.jpg": jpeg((20 * label, 10 * number, blue))
        for part, count, blue in (("test", 2, 0), ("train", 10, 200))
        for number in reversed(range(count))
        for label, name in enumerate(cifar10.CLASSES)
    }


def write_tar(folder: Path, files: Files) -> Path:
    """The archive."""
    path = folder / cifar10.JPEG
    with tarfile.open(path, "w") as archive:
        for name, contents in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return path


class TestJpeg:
    def test_pixels_and_classes(self, tmp_path: Path) -> None:
        (tmp_path / "cifar10").mkdir()
        write_tar(tmp_path / "cifar10", good_files() | {"README": b"text", "test/ship/notes.txt": b"text"})
        found = load("cifar10", tmp_path)
        assert np.array_equal(found.train_labels, np.tile(np.arange(10), 10))  # the classes in turn
        assert np.array_equal(found.test_labels, np.tile(np.arange(10), 2))
        assert found.test_images.dtype == np.float32
        codes = found.train_images * np.float32(255)
        assert np.array_equal(np.rint(codes), np.round(codes, 3))
        expected = np.array([20 * 7, 10 * 4, 200])
        assert np.all(np.abs(codes[10 * 4 + 7] - expected[:, None, None]) <= 3)
        assert found.note == "JPEG-recompressed"
        assert found.tested_on == f"{BATCH} JPEG-recompressed test images"

    def test_the_binary_version_goes_first(self, tmp_path: Path) -> None:
        write_binary(tmp_path)
        write_tar(tmp_path, good_files())
        assert load("cifar10", tmp_path).note == ""

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda files: files.pop("train/ship/0003.jpg"), ("99 images in train/", "100")),
            (lambda files: files.update({"test/cat/0001.jpg": b"\xff\xd8\xff broken"}), ("test/cat/0001.jpg", "damaged")),
            (lambda files: files.update({"test/cat/0001.jpg": jpeg((1, 2, 3))[:200]}), ("test/cat/0001.jpg", "damaged")),
            (lambda files: files.update({"test/cat/0001.jpg": b""}), ("test/cat/0001.jpg", "damaged")),
            (lambda files: files.update({"test/cat/0001.jpg": jpeg((1, 2, 3), (32, 31))}), ("test/cat/0001.jpg", "(31, 32, 3)")),
            (lambda files: files.update({"test/cat/0001.jpg": jpeg((1, 2, 3), mode="L")}), ("test/cat/0001.jpg", "(32, 32)")),
            (lambda files: files.update({"test/cat/0001.jpg": bytes(70_000)}), ("test/cat/0001.jpg", "70000 bytes")),
            (lambda files: files.update({"test/lion/0001.jpg": jpeg((1, 2, 3))}), ("test/lion/0001.jpg", "no known class")),
        ],
        ids=["missing", "broken", "cut", "empty", "shape", "grey", "large", "class"],
    )
    def test_bad_images(self, change: Callable[[Files], object], says: tuple[str, ...], tmp_path: Path) -> None:
        files = good_files()
        change(files)
        refusal(tmp_path, str(write_tar(tmp_path, files)), *says)

    @pytest.mark.parametrize("part", [0.0, 0.4, 0.75])
    def test_truncated(self, part: float, tmp_path: Path) -> None:
        path = write_tar(tmp_path, good_files())
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * part)])
        refusal(tmp_path, str(path), "truncated")

    def test_not_an_archive(self, tmp_path: Path) -> None:
        (tmp_path / cifar10.JPEG).write_bytes(b"no archive" * 1000)
        refusal(tmp_path, cifar10.JPEG, "cannot be read as a tar archive")

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        files = good_files()
        del files["test/cat/0001.jpg"]
        path = write_tar(tmp_path, files)
        with tarfile.open(path, "a") as archive:
            link = tarfile.TarInfo("test/cat/0001.jpg")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
            archive.addfile(link)
        refusal(tmp_path, "19 images in test/")


@pytest.mark.usefixtures("own_folder")
class TestCommand:
    def test_data(self, call: Call) -> None:
        write_tar(Path(), good_files())
        result = call("data", "cifar10", "--data", ".", "--frames", 15, "-o", "out", "--json")
        assert result.json == {"folder": "out", "frames": 15, "note": "JPEG-recompressed"}
        x, y = np.load("out/x.npy"), np.load("out/y.npy")
        assert (x.shape, x.dtype, y.dtype) == ((15, 3, 32, 32), np.float32, np.int64)
        assert y.tolist() == [*range(10), *range(5)]
        assert "20 JPEG-recompressed images" in call("data", "cifar10", "--data", ".", "-o", "out").out

    def test_refused(self, refused: Refused) -> None:
        refused(["data", "cifar10", "--data", ".", "-o", "out"], "cifar10-jpeg.tar")
        Path(cifar10.JPEG).write_bytes(b"")
        refused(["data", "cifar10", "--data", ".", "-o", "out"], cifar10.JPEG, "truncated")
