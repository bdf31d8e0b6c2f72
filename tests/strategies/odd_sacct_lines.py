"""Lines of sacct in Open XDMoD's form, with everything odd that sacct is known to say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from random import Random

USERS = [("honbu", "taifl"), ("noror", "chaff"), ("alpsw", "aytinis"), ("caste", "caste"), ("x1", "nobody")]
ENDED = ["COMPLETED"] * 6 + ["FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "DEADLINE"]
CANCELLED = ["CANCELLED", "CANCELLED by 1001"]
NOT_ENDED = ["RUNNING", "PENDING", "SUSPENDED", "REQUEUED", "RESIZING", "MAYBE_NEW_IN_27"]
GPUS = ["", "", "", ",gres/gpu=1", ",gres/gpu=4", ",gres/gpu:a100=2,gres/gpu=2", ",gres/gpu:v100=3"]
GPUS += [",gres/gpu:a100=1,gres/gpu:v100=2", ",gres/gpu=3,gres/gpu:a100=1,gres/gpu:v100=2", ",gres/gpumem=1G"]
MEMORY = ["", "0", "0n", "4000Mc", "31000Mn", "8G", "2Tn", "512Kc", "1.50G"]
LIMITS = ["", "UNLIMITED", "Partition_Limit", "1-02:03:04", "00:30:00", "365-00:00:00"]
LENGTHS = [0, 1, 29, 30, 59, 1799, 1800, 3599, 3600, 17999, 36000, 64799, 64800, 86399, 86400, 200_000]
# about new year, the end of a month, and both changes of the clock in Europe
MOMENTS = ["2016-12-31T23:59:59", "2017-01-01T00:00:00", "2017-02-28T12:00:00", "2017-03-26T01:30:00"]
MOMENTS += ["2017-03-31T23:00:00", "2017-10-29T01:30:00", "2017-10-28T23:59:30", "2016-12-30T08:00:00"]


def clock(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def length(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    text = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{text}" if days else text


def odd_lines(seed: int, count: int) -> list[str]:
    """`count` jobs, some with more lines than one; the same each time."""
    random = Random(seed)
    lines = []
    for number in range(1, count + 1):
        lines += _job(random, number)
    random.shuffle(lines)
    return lines


def _job(random: Random, number: int) -> list[str]:
    moment = int(datetime.fromisoformat(random.choice(MOMENTS)).replace(tzinfo=UTC).timestamp())
    start = moment + random.randrange(-100_000, 100_000)
    ran = random.choice([*LENGTHS, random.randrange(1, 300_000)])
    waited = random.choice([0, 0, *LENGTHS, -40])
    user, group = random.choice(USERS)
    size = random.choice([1, 1, 2, 3, 16, 28, 128, 4097])
    said = {
        "id": str(number),
        "queue": random.choice(["general", "debug", "long", ""]),
        "qos": random.choice(["normal", "high", ""]),
        "group": group,
        "user": user,
        "submit": clock(start - waited),
        "eligible": random.choice(
            [clock(start - waited), clock(start - waited // 2), "Unknown", clock(start + 5)]
        ),
        "start": clock(start),
        "end": clock(start + ran),
        "elapsed": length(ran),
        "exit": random.choice(["0:0", "1:0", "0:9", "127:0"]),
        "state": random.choice([*ENDED, *CANCELLED]),
        "nodes": str(random.choice([1, 1, 2, 7])),
        "cpus": str(size),
        "reqmem": random.choice(MEMORY),
        "tres": f"cpu={size},node=1{random.choice(GPUS)}",
        "limit": random.choice(LIMITS),
        "on": random.choice(["cpn-01", "cpn-[01-07]", "a1,b[2,4]"]),
        "name": random.choice(["sh", "a|b|c", "", "mit Leerzeichen", "名前"]),
    }
    match random.randrange(16):
        case 0:  # never started
            return [_line({**said, "state": "CANCELLED by 7", "on": "None assigned", "tres": "", "nodes": "1",
                           "start": random.choice([said["end"], "Unknown", "None"])})]  # fmt: skip
        case 1:  # not ended
            return [_line({**said, "state": random.choice(NOT_ENDED), "end": "Unknown"})]
        case 2:  # in no final state, though it says an end
            return [_line({**said, "state": random.choice(NOT_ENDED)})]
        case 3:  # with steps
            return [
                _line(said),
                *(_line({**said, "id": f"{number}.{step}"}) for step in ("batch", "extern", "0")),
            ]
        case 4:  # an array, its tasks in one line
            return [
                _line({**said, "id": f"{number}_[{random.choice(['1', '1,4-9', '0-3', '100-102,999'])}]"})
            ]
        case 5:  # tasks of an array, singly
            return [_line({**said, "id": f"{number}_{task}"}) for task in (0, 7, 123)]
        case 6:  # requeued twice: the same number, three runs
            return _runs(said, start, random)
        case 7:  # told twice
            return [_line(said)] * 2
        case 8:  # a clock that was set: starts after its end
            return [_line({**said, "start": clock(start + ran + 500)})]
        case 9:  # no nodes
            return [_line({**said, "nodes": "0"})]
        case 10:  # the parts of a heterogeneous job
            parts = [{**said, "id": f"{number}+{part}", "cpus": str(part + 1)} for part in (0, 1)]
            return [_line(one, raw=number + 10_000 * part) for part, one in enumerate(parts)]
        case 11:  # no cores
            return [_line({**said, "cpus": "0"})]
    return [_line(said)]


def _runs(said: dict[str, str], start: int, random: Random) -> list[str]:
    lines = []
    for state in ("NODE_FAIL", random.choice(["NODE_FAIL", "REQUEUED", "PREEMPTED"]), "COMPLETED"):
        end = start + random.randrange(1, 50_000)
        lines.append(
            _line(
                {
                    **said,
                    "start": clock(start),
                    "end": clock(end),
                    "elapsed": length(end - start),
                    "state": state,
                }
            )
        )
        start = end + random.randrange(1, 5000)
    return lines


def _line(said: dict[str, str], raw: int | None = None) -> str:
    number = str(raw or re.match(r"\d+", said["id"])[0])  # type: ignore[index]
    return "|".join(
        [
            *(said["id"], number, "cluster", said["queue"], said["qos"], "account"),
            *(said["group"], "100", said["user"], "200", said["submit"], said["eligible"]),
            *(said["start"], said["end"], said["elapsed"], said["exit"], said["state"]),
            *(said["nodes"], said["cpus"], said["cpus"], said["reqmem"], "cpu=1,mem=1G,node=1"),
            *(said["tres"], said["limit"], said["on"], said["name"]),
        ]
    )
