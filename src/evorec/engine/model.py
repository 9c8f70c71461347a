"""The model: everything learned, immutable, and the folders it is saved to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from evorec.core.artifact import Reader, check_target, identity, seal, write_arrays, write_json, writing_together
from evorec.core.catalogue import Catalogue
from evorec.core.errors import ArtifactError
from evorec.core.ids import Vocabulary
from evorec.core.types import ALWAYS, F32, I64, Events
from evorec.data.dataset import Dataset
from evorec.data.feedback import Feedback
from evorec.encoders.base import Encoder, Progress, encode_texts
from evorec.encoders.lexical import LexicalEncoder
from evorec.encoders.opening import open_encoder
from evorec.encoders.whitening import Whitening
from evorec.engine.reading import NEAREST, beyond_chance, found_in, meaningless, named_in
from evorec.interests.model import InterestModel
from evorec.interests.topics import Topics
from evorec.models.base import Items, Personal
from evorec.models.blend import Blend
from evorec.store.base import EventLog
from evorec.store.remarks import RemarkLog

_KIND: Final = "evorec model"
_USERS: Final = "evorec user log"

Specs = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Where a model comes from: its log's size and range (UTC microseconds), recipe, encoder, seed, decisions."""

    recipe: str
    encoder: str
    fingerprint: str
    seed: int
    users: int
    items: int
    events: int
    trained_from: int
    trained_until: int
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset, *, recipe: str, encoder: Encoder, seed: int, notes: tuple[str, ...]) -> Self:
        """The card of a model trained on `dataset`."""
        events = dataset.events
        return cls(
            recipe=recipe,
            encoder=encoder.name,
            fingerprint=encoder.fingerprint,
            seed=seed,
            users=len(np.unique(events.user)),
            items=int((dataset.item_counts > 0).sum()),
            events=len(events),
            trained_from=int(events.timestamp.min()),
            trained_until=events.newest,
            notes=notes,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """Everything learned, over one item table; holds nothing about single users.

    `specs` say how the blend's scorers are built; `encoder()`, `whitening` and `topics` turn a new item into a row.
    `lexical` is the encoder where it was fitted on this catalogue; any other is named in `card`, opened when needed
    and kept in `opened`, which models derived from this one share.
    """

    blend: Blend
    specs: Specs
    items: Items
    catalogue: Catalogue
    topics: Topics
    interests: InterestModel
    whitening: Whitening
    lexical: LexicalEncoder | None
    card: ModelCard
    feedback: Feedback = field(default_factory=Feedback)
    opened: list[Encoder] = field(default_factory=list, repr=False)

    def encoder(self) -> Encoder:
        """The encoder the items were read with, opened once; refuses one whose weights have changed."""
        if not self.opened:
            encoder = self.lexical or open_encoder(self.card.encoder)
            if encoder.fingerprint != self.card.fingerprint:
                raise ArtifactError(
                    f"the encoder {self.card.encoder!r} is not the one this model was trained with",
                    mend="install the version it was trained with, or train again",
                )
            self.opened.append(encoder)
        return self.opened[0]

    def read_words(self, texts: Sequence[str], *, progress: Progress | None = None) -> list[tuple[F32, F32]]:
        """Embedding and topics of each text, read as an item that says just that; both 0 where it cannot be placed.

        Where topics are given categories, words that name some are those topics; others have the topics of the items
        nearest in content. A text is placed that shares a telling word with a title or category, or that lies nearer to
        some items than texts without meaning do.
        """
        embedding = self.whitening.apply(encode_texts(self.encoder(), texts, progress=progress))
        named = [(text,) for text in texts] if len(self.topics.centres) else named_in(texts, self.topics.names)
        topics = self.topics.assign(categories=named, embedding=embedding)
        if self.lexical is None:  # which knows no other words than the catalogue's
            placed = found_in(texts, self.catalogue)
            if not placed.all():
                known = self.items.embedding[self.items.has_content]
                placed[~placed] = beyond_chance(embedding[~placed], self._of_chance, known)
            embedding[~placed], topics[~placed] = 0, 0
        for row in np.flatnonzero(~topics.any(axis=1) & embedding.any(axis=1)):
            near = self.items.embedding @ embedding[row]
            nearest = np.argpartition(-near, min(NEAREST, len(near) - 1))[:NEAREST]
            mixed = np.maximum(near[nearest], 0) @ self.items.topics[nearest]
            topics[row] = mixed / mixed.sum() if mixed.sum() > 0 else 0
        return list(zip(embedding, topics, strict=True))

    @cached_property
    def _of_chance(self) -> F32:
        """Embeddings of texts without meaning: where words lie that have nothing to do with the catalogue."""
        return self.whitening.apply(encode_texts(self.encoder(), meaningless()))

    @property
    def trained_until(self) -> int:
        """Timestamp of the newest training event, UTC microseconds."""
        return self.card.trained_until

    def with_items(self, catalogue: Catalogue, available_from: int) -> tuple["Model", int]:
        """A model whose table also holds the items of `catalogue` it lacks, and how many they are."""
        new = tuple(i for i in catalogue.items if i not in self.items.ids)
        if not new:
            return self, 0
        added = catalogue.aligned(Vocabulary(new))
        texts = [added.describe(row) for row in range(len(new))]
        embedding = self.whitening.apply(encode_texts(self.encoder(), texts))
        opens = np.where(added.available_from == ALWAYS, available_from, added.available_from)
        items = self.items.appended(
            new,
            embedding=embedding,
            topics=self.topics.assign(categories=added.categories, embedding=embedding),
            first_seen=opens,
        )
        whole = Catalogue(
            items=items.ids,
            **{
                name: getattr(self.catalogue, name) + getattr(added, name)
                for name in ("title", "text", "categories", "domain", "image")
            },
            available_from=np.concatenate([self.catalogue.available_from, added.available_from]),
            available_until=np.concatenate([self.catalogue.available_until, added.available_until]),
        )
        return replace(self, items=items, catalogue=whole), len(new)

    def touched(self, row: int, timestamp: int) -> "Model":
        """A model in which item `row` can be recommended from its first event on, at `timestamp`."""
        first_seen = self.items.first_seen.copy()
        first_seen[row] = timestamp
        return replace(self, items=replace(self.items, first_seen=first_seen))

    @staticmethod
    def check_place(folder: Path) -> None:
        """Refuse a folder that `save` would refuse: before hours of training, not after."""
        check_target(folder / "model", kind=_KIND)
        check_target(folder / "users", kind=_USERS)

    def save(self, folder: Path, log: EventLog, remarks: RemarkLog) -> None:
        """Write `model/` and, apart from it, `users/`: ids, histories and all else that rests on single people.

        Both are put in place together, once both are complete.
        """
        with writing_together([(folder / "model", _KIND), (folder / "users", _USERS)]) as (model, users):
            self._write(model)
            ids, held = log.columns()
            said, columns = remarks.saved()
            write_json(users / "users.json", {"model": seal(model, kind=_KIND), "ids": ids, "remarks": said})
            write_arrays(users / "remarks.safetensors", columns)
            events: dict[str, NDArray[Any]] = {
                "user": held.owner.astype(np.int32),
                "item": held.item,
                "timestamp": held.timestamp,
            }
            if held.weight is not None:
                events["weight"] = held.weight
            write_arrays(users / "events.safetensors", events)
            for number, scorer in enumerate(self.blend.scorers):
                if isinstance(scorer, Personal):
                    write_arrays(users / f"scorer-{number}.safetensors", scorer.personal())

    def _write(self, draft: Path) -> None:
        write_json(draft / "card.json", asdict(self.card))
        write_json(draft / "scorers.json", [dict(spec) for spec in self.specs])
        write_json(
            draft / "items.json",
            {
                "ids": self.items.ids.ids,
                "title": self.catalogue.title,
                "categories": self.catalogue.categories,
                "domain": self.catalogue.domain,
            },
        )
        write_json(
            draft / "topics.json",
            {"names": self.topics.names, "interests": self.interests.settings(), "feedback": asdict(self.feedback)},
        )
        parts: dict[str, Mapping[str, NDArray[Any]]] = {
            "items": {
                "embedding": self.items.embedding,
                "topics": self.items.topics,
                "first_seen": self.items.first_seen,
                "available_from": self.catalogue.available_from,
                "available_until": self.catalogue.available_until,
            },
            "whitening": self.whitening.arrays(),
            "topics": self.topics.arrays(),
            "interests": self.interests.arrays(),
            "blend": self.blend.arrays(),
            **{f"scorer-{number}": scorer.arrays() for number, scorer in enumerate(self.blend.scorers)},
        }
        if self.lexical:
            parts["encoder"] = self.lexical.arrays()
        for name, arrays in parts.items():
            if arrays:
                write_arrays(draft / f"{name}.safetensors", arrays)

    @classmethod
    def load(cls, folder: Path, assemble: Callable[[list[dict[str, Any]]], Blend]) -> tuple["Model", Events, RemarkLog]:
        """Read what `save` wrote; `assemble` builds the blend from its specs. Every checksum is verified first."""
        reader = Reader(folder / "model", kind=_KIND)
        card = reader.json("card.json")
        model = cls._read(reader, ModelCard(**{**card, "notes": tuple(card["notes"])}), assemble)
        if (folder / "users").exists():
            return model, *_read_users(folder, model)
        empty = np.zeros(0, dtype=np.int32)
        log = Events(
            users=Vocabulary(()), items=model.items.ids, user=empty, item=empty, timestamp=empty.astype(np.int64)
        )
        return model, log, RemarkLog()

    @classmethod
    def _read(cls, reader: Reader, card: ModelCard, assemble: Callable[[list[dict[str, Any]]], Blend]) -> "Model":
        specs, names = reader.json("scorers.json"), reader.json("items.json")
        ids, table = Vocabulary(tuple(names["ids"])), reader.arrays("items.safetensors")
        topics = reader.json("topics.json")
        blend = assemble(specs).restore(reader.arrays("blend.safetensors"))
        for number, scorer in enumerate(blend.scorers):
            file = f"scorer-{number}.safetensors"
            scorer.restore(reader.arrays(file) if file in reader.names else {})
        return cls(
            blend=blend,
            specs=tuple(specs),
            items=Items(ids=ids, embedding=table["embedding"], topics=table["topics"], first_seen=table["first_seen"]),
            catalogue=Catalogue.create(
                item_ids=ids,
                title=names["title"],
                categories=names["categories"],
                domain=names["domain"],
                available_from=table["available_from"],
                available_until=table["available_until"],
            ),
            topics=Topics.from_arrays(tuple(topics["names"]), table["topics"], reader.arrays("topics.safetensors")),
            interests=InterestModel.restore(topics["interests"], reader.arrays("interests.safetensors")),
            whitening=Whitening.from_arrays(reader.arrays("whitening.safetensors")),
            lexical=LexicalEncoder.from_arrays(reader.arrays("encoder.safetensors"))
            if card.encoder == LexicalEncoder.name
            else None,
            card=card,
            feedback=Feedback(**topics["feedback"]),
        )


def _read_users(folder: Path, model: Model) -> tuple[Events, RemarkLog]:
    reader = Reader(folder / "users", kind=_USERS)
    names, columns = reader.json("users.json"), reader.arrays("events.safetensors")
    remarks = RemarkLog.from_saved(names["remarks"], reader.arrays("remarks.safetensors"))
    if names["model"] != identity(folder / "model"):
        raise ArtifactError(
            f"{folder / 'users'} belongs to another model",
            mend="train again, or restore the folders that belong together",
        )
    for number, scorer in enumerate(model.blend.scorers):
        if isinstance(scorer, Personal):
            scorer.restore_personal(reader.arrays(f"scorer-{number}.safetensors"))
    timestamp: I64 = columns["timestamp"]
    events = Events.from_codes(
        users=Vocabulary(tuple(names["ids"])),
        items=model.items.ids,
        user=columns["user"],
        item=columns["item"],
        timestamp=timestamp,
        weight=columns.get("weight"),
    )
    return events, remarks
