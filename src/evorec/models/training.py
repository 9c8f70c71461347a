"""The one training loop: batches in, a lower loss out; stops early, writes checkpoints, resumes with equal results."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from evorec.core.errors import InputError

_CLIP = 1.0  # longest gradient of one step


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Learning rates of the net and of the table's rows, steps of warm-up, and epochs without progress before stopping.

    After the warm-up (at most a tenth of all steps) the rates fall to a twentieth along a cosine.
    """

    rate: float = 2e-3
    row_rate: float = 2e-3
    warm_up: int = 50
    patience: int = 3

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.row_rate > 0):
            raise InputError("a learning rate must be above 0", mend="0.002 is a good start")
        if self.warm_up < 1 or self.patience < 1:
            raise InputError("warm_up and patience must be at least 1", mend="give whole numbers")


class RowTable:
    """A table of trainable rows; a step pays only for the rows it used.

    Adam with one second moment per row (Kingma and Ba 2015; rows as in Gupta, Bengio and Weston 2014), counted per
    row, so that rows seldom used are not moved meanwhile.
    """

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows
        self.mean = torch.zeros_like(rows)
        self.square = torch.zeros(len(rows), 1)
        self.count = torch.zeros(len(rows), 1)

    @torch.no_grad()
    def step(self, used: Tensor, gradient: Tensor, rate: float) -> None:
        """Move the rows `used int64[r]` (each once) against `gradient [r, width]`."""
        self.count[used] += 1
        mean = self.mean[used].mul_(0.9).add_(gradient, alpha=0.1)
        square = self.square[used].mul_(0.99).add_(gradient.square().mean(dim=1, keepdim=True), alpha=0.01)
        self.mean[used], self.square[used] = mean, square
        count = self.count[used]
        scale = (square / (1 - 0.99**count)).sqrt_().add_(1e-10)
        self.rows[used] -= rate * mean / (1 - 0.9**count) / scale

    def state(self) -> dict[str, Tensor]:
        """All that a checkpoint keeps."""
        return {"rows": self.rows, "mean": self.mean, "square": self.square, "count": self.count}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what `state` gave."""
        self.rows, self.mean, self.square, self.count = (state[n] for n in ("rows", "mean", "square", "count"))


class Task(Protocol):
    """What the loop is given: a net, a table of rows, batches of an epoch, their loss, and how well it does."""

    net: nn.Module
    table: RowTable

    def batches(self, epoch: int) -> Iterable[Any]:
        """The batches of an epoch; the same for the same number."""
        ...

    def loss(self, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The loss of a batch, the rows of the table it used `int64[r]`, and the leaf `[r, width]` that holds them."""
        ...

    def judge(self) -> float | None:
        """How badly held-back data is foreseen, None where none is held back."""
        ...


def train(
    task: Task,
    config: TrainingConfig,
    *,
    epochs: int,
    seed: int,
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[float]:
    """Train for at most `epochs`; with held-back data, until nothing is gained, and keep the best state.

    Returns what `judge` said after each epoch (the training loss where nothing is held back). With a `checkpoint` file
    the state is written after each epoch, and a run that was cut short goes on from it, to the same result: whatever is
    drawn in an epoch depends on the seed and the number of the epoch alone.
    """
    loop = _Loop(task, config, epochs)
    history, best = loop.resume(checkpoint)
    for epoch in range(len(history), epochs):
        if history and epoch - history.index(min(history)) > config.patience:
            break
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int.from_bytes(hashlib.sha256(f"{seed} {epoch}".encode()).digest()[:7]))
            found = loop.epoch(epoch)
        judged = task.judge()
        history.append(found if judged is None else judged)
        if not (math.isfinite(found) and math.isfinite(history[-1])):
            raise InputError("the net's loss is no longer a number", mend="train with a lower rate")
        if judged is None or judged <= min(history):
            best = {name: value.clone() for name, value in loop.state().items()}
        if progress is not None:
            progress(epoch + 1, epochs)
        if checkpoint is not None:
            _write(checkpoint, loop.state(), best, history)
    if best:
        loop.restore(best)
    return history


class _Loop:
    def __init__(self, task: Task, config: TrainingConfig, epochs: int) -> None:
        self.task, self.config, self.epochs = task, config, epochs
        self.optimiser = torch.optim.Adam(task.net.parameters(), lr=config.rate, betas=(0.9, 0.98))

    def epoch(self, number: int) -> float:
        self.task.net.train()
        batches = list(self.task.batches(number))
        total, parameters = 0.0, list(self.task.net.parameters())
        for k, batch in enumerate(batches):
            pace = self._pace(number * len(batches) + k, self.epochs * len(batches))
            loss, used, leaf = self.task.loss(batch)
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, _CLIP)
            for group in self.optimiser.param_groups:
                group["lr"] = self.config.rate * pace
            self.optimiser.step()
            if leaf.grad is not None:
                self.task.table.step(used, leaf.grad, self.config.row_rate * pace)
            total += float(loss.detach())
        self.task.net.eval()
        return total / max(1, len(batches))

    def _pace(self, step: int, steps: int) -> float:
        warm_up = min(self.config.warm_up, 1 + steps // 10)
        return min(1.0, (step + 1) / warm_up) * max(0.05, 0.5 * (1 + math.cos(math.pi * step / steps)))

    def state(self) -> dict[str, Tensor]:
        kept = {f"net.{name}": value for name, value in self.task.net.state_dict().items()}
        kept |= {f"table.{name}": value for name, value in self.task.table.state().items()}
        for k, moments in self.optimiser.state_dict()["state"].items():
            kept |= {f"optimiser.{k}.{name}": value for name, value in moments.items()}
        return kept

    def restore(self, kept: dict[str, Tensor]) -> None:
        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: value.clone() for name, value in kept.items() if name.startswith(prefix)}

        self.task.net.load_state_dict(part("net."))
        self.task.table.restore(part("table."))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimiser.").items():
            number, field = name.split(".")
            moments.setdefault(int(number), {})[field] = value
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})

    def resume(self, checkpoint: Path | None) -> tuple[list[float], dict[str, Tensor]]:
        if checkpoint is None or not checkpoint.exists():
            return [], {}
        kept = load_file(checkpoint)
        history = json.loads(bytes(kept.pop("history").tolist()))
        self.restore({name[4:]: value for name, value in kept.items() if name.startswith("now.")})
        return history, {name[5:]: value for name, value in kept.items() if name.startswith("best.")}


def _write(file: Path, now: dict[str, Tensor], best: dict[str, Tensor], history: list[float]) -> None:
    """Written whole or not at all: a run that is killed while it writes finds the checkpoint before."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # rows that single people taught are in it
    draft = file.with_suffix(".draft")
    kept = {f"now.{name}": value.contiguous() for name, value in now.items()}
    kept |= {f"best.{name}": value.clone().contiguous() for name, value in best.items()}
    save_file(kept | {"history": torch.tensor(list(json.dumps(history).encode()), dtype=torch.uint8)}, draft)
    draft.replace(file)
