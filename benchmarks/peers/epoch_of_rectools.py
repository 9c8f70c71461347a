"""Seconds of an epoch of RecTools' SASRec: `epoch_of_rectools.py QUESTION.npz WIDTH BLOCKS LENGTH`, one thread.

For a ratio with another trainer: run both after each other on one machine, on the training part of one question file.
Prints JSON: processor and clock seconds of the second and third epoch, users and events read, peak memory.
"""

import json
import logging
import sys
import time
import warnings

import numpy as np
from exchange import Question, peak_mb
from rectools.dataset import Dataset
from with_rectools import build, frame


def main(path: str, width: int, blocks: int, length: int) -> None:
    question = Question.load(path)
    user, item, timestamp = (part[question.train] for part in (question.user, question.item, question.timestamp))
    dataset = Dataset.construct(frame(user, item, timestamp))
    model = build("sasrec", length=length, dropout=0.2, n_factors=width, n_blocks=blocks)
    processor, clock = [], []
    for _ in range(3):
        began = time.process_time(), time.perf_counter()
        model.fit_partial(dataset, min_epochs=1, max_epochs=1)
        processor.append(time.process_time() - began[0])
        clock.append(time.perf_counter() - began[1])
    told = {
        "width": width,
        "blocks": blocks,
        "length": length,
        "users": len(np.unique(user)),
        "events": int(np.minimum(np.bincount(user), length + 1).sum()),
        "processor_seconds": processor[1:],
        "clock_seconds": clock[1:],
        "peak_mb": peak_mb(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    main(sys.argv[1], *map(int, sys.argv[2:5]))
