"""Tuning: the first trial is the recipe, a run that was killed goes on the same, nothing from the test part is read."""

from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from evorec.core.errors import InputError
from evorec.core.ids import Vocabulary
from evorec.core.types import Events
from evorec.data.dataset import Dataset
from evorec.data.simulate import SimulationConfig, simulate
from evorec.data.split import split_by_time
from evorec.models.base import RunOptions
from evorec.models.blend import BlendConfig
from evorec.recipes import tuning
from evorec.recipes.assembly import KINDS, build_scorer, item_table
from evorec.recipes.config import Recipe, ScorerSpec, fast
from evorec.recipes.tuning import BLEND, SPACE, TABLE, Judge, OneOf, Range, blocks, settled, tune
from evorec.recipes.validation import Trial, cross_fitted, stages

pytest.importorskip("optuna")

SMALL = Recipe(
    name="small",
    encoder="lexical",
    scorers=(
        ScorerSpec(kind="popularity", name="popularity (2 days)", settings={"half_life_days": 2.0}),
        ScorerSpec(kind="transitions", name="transitions"),
        ScorerSpec(kind="content", name="content"),
    ),
)


class KilledError(Exception):
    """The end of a program in the midst of its work."""


@pytest.fixture(scope="module")
def data():
    return simulate(SimulationConfig(users=60, items=50, topics=4, events_per_user=12), 1).dataset


@pytest.fixture
def search(data, tmp_path):
    """A function: trials up to number `last`, ended there by ctrl-C or by `end`; what was tried, and the result."""

    def go(last, *, end=KeyboardInterrupt, journal="a", dataset=data, seed=0, recipe=SMALL):
        tried = []

        def report(trial):
            tried.append(trial)
            if trial.number >= last:
                raise end

        where = tmp_path / f"{journal}.journal"
        options = RunOptions(seed=seed)
        try:
            found = tune(dataset, recipe, minutes=10, journal=where, options=options, report=report)
        except KilledError:
            found = None
        return tried, found

    return go


class TestSpace:
    """What is searched exists, and holds what recipes use."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_declares_settings_that_its_config_has(self, kind):
        assert set(SPACE[kind]) <= {field.name for field in fields(KINDS[kind][1])}

    @pytest.mark.parametrize("kind", KINDS)
    def test_defaults_lie_inside(self, kind):
        held = asdict(KINDS[kind][1]())
        assert all(limits.low <= held[name] <= limits.high for name, limits in SPACE[kind].items())

    def test_both_ends_can_be_built(self):
        for kind, space in SPACE.items():
            for end in ("low", "high"):
                KINDS[kind][1](**{
                    name: int(getattr(limits, end)) if limits.whole else getattr(limits, end)
                    for name, limits in space.items()
                })  # fmt: skip

    def test_blend_and_table(self):
        assert all(limits.low <= getattr(BlendConfig(), name) <= limits.high for name, limits in BLEND.items())
        assert fast().dimension in TABLE["dimension"].values

    def test_a_value_outside_widens_the_range(self):
        assert tuning._distribution(500.0, Range(low=1, high=9)).high == 500
        assert tuning._distribution(0.0, Range(low=1, high=9)).low == 0
        assert 7 in tuning._distribution(7, OneOf(values=(1, 9))).choices


class TestSettled:
    """Values become settings, and names stay true."""

    def test_settings_of_every_part(self):
        values = {"transitions / to_power": 0.25, "blend / ridge": 3.0, "item table / dimension": 64}
        changed = settled(SMALL, values)
        assert changed.scorers[1].settings == {"to_power": 0.25}
        assert (changed.blend.ridge, changed.dimension) == (3.0, 64)
        assert changed.scorers[0] == SMALL.scorers[0]

    def test_a_name_that_is_taken_is_left_alone(self):
        other = ScorerSpec(kind="popularity", name="popularity (3 days)")
        recipe = replace(SMALL, scorers=(*SMALL.scorers, other))
        assert settled(recipe, {"popularity (2 days) / half_life_days": 3.0}).scorers[0].name == "popularity (2 days)"

    def test_every_part_is_a_block(self):
        assert [name for name, _, _ in blocks(SMALL)] == [*(s.name for s in SMALL.scorers), "blend", "item table"]


class TestJudge:
    """As validation judges, with less work."""

    @pytest.fixture
    def judge(self, data):
        vectors = np.random.default_rng(0).normal(size=(len(data.items), 8)).astype(np.float32)
        return Judge(data, vectors, RunOptions())

    def test_it_is_the_cross_fitted_quality_of_validation(self, data, judge):
        table = item_table(data, judge.vectors, dimension=SMALL.dimension, seed=0)
        rng = tuning.generator(0, "blend candidates")
        whole = replace(data, embedding=table.items.embedding)
        trials = []
        for stage in stages(whole, table, SMALL, RunOptions()):
            fitted = [build_scorer(spec).fit(stage.train, RunOptions()) for spec in SMALL.scorers]
            trials.append(Trial.of(stage, SMALL, fitted, 0, rng))
        expected = cross_fitted([0, 1, 2], SMALL, trials, [trial.shortlists([]) for trial in trials])
        assert np.array_equal(judge.quality(SMALL), expected)

    def test_what_did_not_change_is_not_fitted_again(self, judge, monkeypatch):
        built = []
        real = tuning.build_scorer
        monkeypatch.setattr(tuning, "build_scorer", lambda spec: built.append(spec.name) or real(spec))
        judge.quality(SMALL)
        assert len(built) == 9
        judge.keep(SMALL)
        judge.quality(settled(SMALL, {"transitions / to_power": 0.9}))
        assert built[9:] == ["transitions"] * 3
        judge.quality(SMALL)
        judge.quality(settled(SMALL, {"blend / ridge": 9.0}))
        assert len(built) == 12

    def test_kept_fits_change_nothing(self, data, judge):
        changed = settled(SMALL, {"transitions / to_power": 0.9, "blend / surprise": 0.01})
        judge.quality(SMALL)
        assert np.array_equal(judge.quality(changed), Judge(data, judge.vectors, RunOptions()).quality(changed))

    def test_a_short_log_is_refused(self, judge):
        log = Events.create(user_ids="ab", item_ids="xy", timestamps=[1, 2])
        with pytest.raises(InputError, match="too short to tune on"):
            Judge(Dataset.create(log), judge.vectors[:2], RunOptions()).quality(SMALL)


class TestTune:
    """The search as a whole."""

    def test_it_starts_from_the_recipe_and_gets_no_worse(self, search):
        tried, found = search(8)
        assert [trial.number for trial in tried] == list(range(9))
        assert tried[0].changed == "nothing"
        assert {trial.changed for trial in tried[1:6]} == {name for name, _, _ in blocks(SMALL)}
        assert found.trials == 9
        assert found.before == tried[0].ndcg
        assert found.after == max(trial.ndcg for trial in tried) == tried[-1].best
        assert found.gain == pytest.approx(found.after - found.before)
        assert found.error >= 0
        assert found.recipe.name == "small (tuned)"

    @pytest.mark.parametrize("end", [KilledError, KeyboardInterrupt])
    def test_a_run_that_was_ended_goes_on_the_same(self, search, end):
        whole, best = search(7, journal="whole")
        first, _ = search(2, end=end, journal="parts")
        rest, again = search(7, journal="parts")
        assert [*first, *rest] == whole
        assert again == best

    def test_killed_inside_a_trial(self, search, monkeypatch, tmp_path):
        whole, _ = search(5, journal="whole")
        first, _ = search(2, end=KilledError, journal="parts")
        with monkeypatch.context() as patched:
            patched.setattr(Judge, "quality", lambda self, recipe: (_ for _ in ()).throw(KilledError))
            assert search(9, journal="parts") == ([], None)
        with (tmp_path / "parts.journal").open("ab") as journal:
            journal.write(b'{"op_code": 4, "half')  # a line that was being written
        rest, _ = search(5, journal="parts")
        assert [*first, *rest] == whole

    def test_other_data_seeds_and_recipes_start_anew(self, search, data):
        search(1)
        assert search(0, seed=1)[0][0].number == 0
        assert search(0, recipe=replace(SMALL, queries=50))[0][0].number == 0
        assert search(0, dataset=replace(data, events=data.events.select(data.events.user > 0)))[0][0].number == 0
        titles = tuple(f"{title} of shop {k}" for k, title in enumerate(data.catalogue.title))
        assert search(0, dataset=replace(data, catalogue=replace(data.catalogue, title=titles)))[0][0].number == 0
        renamed = replace(data.events, users=Vocabulary.of([f"{name}x" for name in data.events.users]))
        assert search(0, dataset=replace(data, events=renamed, users=None))[0][0].number == 0
        assert search(2)[0][0].number == 2

    def test_the_first_trial_is_the_recipe_as_it_is(self, search, monkeypatch):
        judged = []
        real = Judge.quality
        monkeypatch.setattr(Judge, "quality", lambda self, recipe: judged.append(recipe) or real(self, recipe))
        own = {"half_life_days": 1825.0}
        search(0, recipe=replace(SMALL, scorers=(replace(SMALL.scorers[0], settings=own), *SMALL.scorers[1:])))
        assert judged[0].scorers[0].settings == own
        assert tuning._rounded({"a": 1825.0, "b": 1825.0, "c": 7}, {"a": 1825.0, "b": 9.0, "c": 9}) == {
            "a": 1825.0,
            "b": 1820.0,
            "c": 7,
        }

    @pytest.mark.parametrize(
        "text", ["notes without an end", "notes\n", '{"op_code":0,\n{"op_code":0,\n', '{"op_code":0}\n', "[1]\n"]
    )
    def test_what_is_no_journal_is_refused_and_left_alone(self, search, tmp_path, text):
        (tmp_path / "a.journal").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"a\.journal is no journal of trials") as error:
            search(0)
        assert error.value.mend
        assert (tmp_path / "a.journal").read_text(encoding="utf-8") == text

    def test_the_last_tenth_is_never_read(self, search, data):
        cut = split_by_time(data).cut
        events = data.events
        late = np.flatnonzero(events.timestamp >= cut)
        item = events.item.copy()
        item[late] = item[late[::-1]]
        whole, _ = search(2, journal="whole")
        other, _ = search(2, journal="other", dataset=replace(data, events=replace(events, item=item)))
        assert whole == other

    def test_the_budget_ends_it(self, data, tmp_path):
        tried = []
        found = tune(data, SMALL, minutes=1e-6, journal=tmp_path / "x.journal", report=tried.append)
        assert found.trials == len(tried) == 1
        assert found.gain == 0
        with pytest.raises(InputError, match="minutes is 0"):
            tune(data, SMALL, minutes=0, journal=tmp_path / "x.journal")

    def test_ended_before_anything_was_tried(self, data, tmp_path, monkeypatch):
        monkeypatch.setattr(Judge, "quality", lambda self, recipe: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tune(data, SMALL, minutes=1, journal=tmp_path / "x.journal")
