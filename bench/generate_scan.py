"""Writes a scan of a made-up volume as mpistat does, for the bench: the same for the same seed.

    python bench/generate_scan.py LINES FILE.gz [--seed 1]

A tree of projects on two metadata targets, walked depth first; long paths, a tenth directories, some hard
links, times in the future, and names that are no UTF-8.
"""

from __future__ import annotations

import argparse
import random
import subprocess
from base64 import b64encode
from pathlib import Path

TOP = b"/lustre/scratch119"
NOW = 1_700_000_000
_WORDS = b"output release improved calling analysis results merged chunks plots logs tmp stage".split()
_ENDS = b".bam .bam.bai .cram .vcf.gz .vcf.gz.tbi .bed .fastq.gz .txt .log .o .tsv .py .tmp .md5".split()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lines", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with asked.file.open("wb") as packed:
        gzip = subprocess.Popen(["gzip", "-6", "-c"], stdin=subprocess.PIPE, stdout=packed)
        assert gzip.stdin is not None
        left, inode = asked.lines, 144_115_188_193_296_385
        buffer: list[bytes] = []

        def say(
            path: bytes, size: int, owner: bytes, times: bytes, kind: bytes, links: int, number: int
        ) -> None:
            nonlocal left
            left -= 1
            end = b"%b\t%d\t%d\t907573372" % (kind, number, links)
            buffer.append(b"%b\t%d\t%b\t%b\t%b\n" % (b64encode(path), size, owner, times, end))
            if len(buffer) > 20_000:
                gzip.stdin.write(b"".join(buffer))
                buffer.clear()

        say(TOP, 4096, b"0\t0", b"%d\t%d\t%d" % (NOW, NOW, NOW), b"d", 2, inode)
        project = 0
        while left > 0:
            project += 1
            group = 1300 + 7 * chance.randrange(200)
            owner = b"%d\t%d" % (11000 + 13 * chance.randrange(500), group)
            path = TOP + b"/realdata/mdt%d/projects/%b_%d" % (project % 2, chance.choice(_WORDS), project)
            if project % 3 == 0:
                path += b"/users/u%d" % chance.randrange(500)
            stack = [path]
            budget = min(left, int(chance.paretovariate(1.1) * 500))
            while stack and budget > 0 and left > 0:
                here = stack.pop()
                inode += 1
                base = NOW - min(int(chance.expovariate(2e-8)), 320_000_000)
                say(here, 4096, owner, b"%d\t%d\t%d" % (base + 9_000_000, base, base), b"d", 2, inode)
                stem = b"%d_%d#%d" % (
                    chance.randrange(1000, 60000),
                    chance.randrange(8),
                    chance.randrange(90),
                )
                for number in range(min(int(chance.lognormvariate(1.8, 0.9)) + 1, left)):
                    inode += 1
                    name = stem + b"-%d" % number + chance.choice(_ENDS)
                    dice = chance.random()
                    if dice < 0.00001:
                        name = b"bad\xff\nname" + name
                    size = 0 if dice < 0.15 else int(chance.lognormvariate(12, 4))
                    changed = NOW + 10**8 if dice > 0.99998 else base + chance.randrange(2048)
                    times = b"%d\t%d\t%d" % (changed + chance.randrange(20_000_000), changed, changed)
                    kind = b"l" if dice > 0.98 else b"f"
                    linked = kind == b"f" and 0.5 < dice < 0.505
                    say(here + b"/" + name, size, owner, times, kind, 2 if linked else 1, inode)
                    if linked and left > 0:
                        say(here + b"/again_" + name, size, owner, times, kind, 2, inode)
                    budget -= 1
                if len(here) < 190:
                    for number in range(chance.randrange(1, 4)):
                        stack.append(
                            here + b"/%b_%d_%x" % (chance.choice(_WORDS), number, chance.getrandbits(24))
                        )
        gzip.stdin.write(b"".join(buffer))
        gzip.stdin.close()
        if gzip.wait():
            raise SystemExit("gzip failed")


if __name__ == "__main__":
    main()
