"""How do files reach a folder or an object store? Each whole, checked, and only if it differs; index last."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from meterhouse.errors import ConfigurationError, MeterhouseError
from meterhouse.feeds.filesystem.splitter import INDEX

_PART_BYTES = 16 * 2**20
_TRIES = 5
_DIGEST = "sha256"


class UploadError(MeterhouseError):
    """A file could not be put where it was to go."""


def upload(folder: Path, target: str, *, endpoint: str | None = None) -> list[str]:
    """Put the files of a folder below `target`, a folder or `s3://bucket/prefix`; returns which were put.

    What is there already with the same content stays. The index comes last: who sees it sees all. What
    else is there is never touched. Keys for S3 come from where boto3 looks for them.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        raise UploadError(f"{folder}: expected files, found none")
    files.sort(key=lambda path: path.name == INDEX)
    if target.startswith("s3://"):
        return _to_bucket(files, target, endpoint)
    if "://" in target:
        raise ConfigurationError(f"target: expected a folder or s3://bucket/prefix, found {target!r}")
    return _to_folder(files, Path(target))


def _to_folder(files: list[Path], target: Path) -> list[str]:
    put = []
    target.mkdir(parents=True, exist_ok=True)
    for path in files:
        goal = target / path.name
        if goal.exists() and _sha256(goal) == _sha256(path):
            continue
        coming = target / f".{path.name}.coming"
        shutil.copyfile(path, coming)
        with coming.open("rb") as file:
            os.fsync(file.fileno())
        if _sha256(coming) != _sha256(path):
            raise UploadError(f"{goal}: expected what was written, found something else")
        coming.replace(goal)
        put.append(path.name)
    return put


def _to_bucket(files: list[Path], target: str, endpoint: str | None) -> list[str]:
    try:
        import boto3
        from boto3.exceptions import Boto3Error
        from boto3.s3.transfer import TransferConfig
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise UploadError('S3 needs the extra "s3": pip install "meterhouse[s3]"') from None
    parts = urlsplit(target)
    prefix = f"{parts.path.strip('/')}/".lstrip("/")
    put = []
    try:
        store = boto3.client(
            "s3",
            endpoint_url=endpoint,
            config=Config(
                retries={"max_attempts": _TRIES, "mode": "standard"},
                request_checksum_calculation="when_supported",
            ),
        )
        transfer = TransferConfig(multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES)
        for path in files:
            key, digest = f"{prefix}{path.name}", _sha256(path)
            if _is_there(store, parts.netloc, key, path, digest):
                continue
            store.upload_file(
                str(path),
                parts.netloc,
                key,
                ExtraArgs={"Metadata": {_DIGEST: digest}, "ChecksumAlgorithm": "SHA256"},
                Config=transfer,
            )
            if not _is_there(store, parts.netloc, key, path, digest):
                raise UploadError(f"s3://{parts.netloc}/{key}: expected what was put, found something else")
            put.append(path.name)
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise UploadError(f"{target}: {' '.join(str(error).split())}") from error
    return put


def _is_there(store: Any, bucket: str, key: str, path: Path, digest: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        found = store.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return False
        raise
    size: int = found["ContentLength"]
    kept: str | None = found["Metadata"].get(_DIGEST)
    return size == path.stat().st_size and kept == digest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
