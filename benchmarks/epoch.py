"""Seconds of an epoch, our net against RecTools' SASRec of equal width, depth and length: `python benchmarks/epoch.py`.

Both read the training part of one question file, one thread each, turn and turn about. Seconds are of the processor.
Needs the environment that `make bench-peers` builds; writes results-epoch.md.
"""

import sets  # isort: skip  # first: one thread, before numpy is imported

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cells import KEPT, Bench

from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.evaluation.report import machine, peak_memory
from evorec.models.base import RunOptions
from evorec.models.sequence import Sequence as Net
from evorec.models.sequence import SequenceConfig

HERE = Path(__file__).parent
RESULTS = HERE / "results-epoch.md"
ROUNDS = 3
WIDTH, BLOCKS = 64, 2
LENGTHS = {"amazon-beauty": 50, "ml-1m": 200}
INTRODUCTION = """# An epoch

Processor seconds of one epoch (mean of the second and third), one thread, the two systems in turn; the ratio is the
median [least, most] of the rounds. RecTools reads the newest events of each user up to the length, ours all of them, in
windows.
"""
HEADER = "| set | width, blocks, length | system | seconds an epoch, each | events read | peak (MB) | ratio |"


def ours(path: Path, length: int) -> dict[str, Any]:
    """Seconds of the second and third epoch of our net without content, judging on held-back users included."""
    events = training_part(path)
    config = SequenceConfig(layers=BLOCKS, width=WIDTH, length=length, epochs=3, events=sys.maxsize)
    moments: list[float] = []
    options = RunOptions(progress=lambda done, total: moments.append(time.process_time()))
    Net(config).fit(Dataset.create(events), options)
    return {"events": len(events), "processor_seconds": np.diff(moments).tolist(), "peak_mb": peak_memory()}


def training_part(path: Path) -> Events:
    """The events of a question file that may be learned from."""
    with np.load(path) as held:
        train = held["train"]
        user, item, timestamp = (held[name][train] for name in ("user", "item", "timestamp"))
    return Events.create(user_ids=user.astype(str), item_ids=item.astype(str), timestamps=timestamp)


def alone(python: Path, *command: object) -> dict[str, Any]:
    """What a program in a process of its own tells as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent / "src")}
    ended = subprocess.run([python, *map(str, command)], env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{command[0]} ended with {ended.returncode}:\n{ended.stderr[-1500:]}")
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def rows_of(name: str) -> list[str]:
    """One set: both systems, `ROUNDS` times in turn."""
    length, path = LENGTHS[name], Bench(name, repeats=False).file("test")
    peer = KEPT / "env" / "rectools" / "bin" / "python"
    pairs = []
    for _ in range(ROUNDS):
        own = alone(Path(sys.executable), HERE / "epoch.py", "--ours", path, length)
        pairs.append((own, alone(peer, HERE / "peers" / "epoch_of_rectools.py", path, WIDTH, BLOCKS, length)))
    ratios = [statistics.mean(b["processor_seconds"]) / statistics.mean(a["processor_seconds"]) for a, b in pairs]
    rows = []
    for place, system in enumerate(("evorec, sequence", "RecTools, SASRec")):
        told = [pair[place] for pair in pairs]
        seconds = ", ".join(f"{statistics.mean(one['processor_seconds']):.1f}" for one in told)
        peak = max(one["peak_mb"] for one in told)
        ratio = f"{statistics.median(ratios):.1f} [{min(ratios):.1f}, {max(ratios):.1f}]" if place else "1"
        shape = f"{WIDTH}, {BLOCKS}, {length}"
        rows.append(f"| {name} | {shape} | {system} | {seconds} | {told[0]['events']:,} | {peak:,.0f} | {ratio} |")
    return rows


def main(arguments: Sequence[str]) -> None:
    if arguments and arguments[0] == "--ours":
        print(json.dumps(ours(Path(arguments[1]), int(arguments[2]))))
        return
    lines = [HEADER, "|" + "---|" * 7]
    for name in arguments or LENGTHS:
        lines += rows_of(name)
    text = "\n".join([INTRODUCTION, *lines, "", f"Machine: {sets.machine_words(machine())}.", ""])
    print(text)
    RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
