"""The page of a comparison: everything that its JSON tells, in the order in which a person looks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evorec.core.errors import InputError
from evorec.plots.comparison.charts import WIDE, Level, Point, Row, bars, levels, plane, row_of
from evorec.plots.comparison.words import CHINESE, WORDS
from evorec.plots.markup import Markup, document, tag
from evorec.plots.theme import worded

Told = Mapping[str, Any]

_INSTANT: Final = 0.001  # seconds: less is drawn as this much
_NOTHING: Final = 0.005  # a weight that rounds to 0.00
# Columns of the second table: their word, and where the JSON has them.
_BEYOND: Final = {
    "debiased": "debiased_ndcg", "coverage": "coverage", "novelty": "novelty", "personalisation": "personalisation",
    "diversity": "intra_list_diversity", "fit": "fit_seconds", "answer": "seconds_per_1000",
}  # fmt: skip
_STYLE: Final = (
    ":root{--paper:#fff;--text:#111;--quiet:#555;--ink:#1f3b57;--fill:#a9c0d6;--pale:#777;--grid:#ddd}"
    "@media screen and (prefers-color-scheme:dark){:root{--paper:#14181d;--text:#eceff2;--quiet:#aab3bc;--ink:#8fc1ee;"
    "--fill:#3a587a;--pale:#a0a8b0;--grid:#333b44}}"
    "body{margin:1rem auto;padding:0 1rem;max-width:70rem;background:var(--paper);color:var(--text);line-height:1.5;"
    "font-family:system-ui,'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif}"
    "h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.2rem;margin:2rem 0 .3rem;break-after:avoid}"
    "h3{font-size:1rem;margin:.8rem 0 .2rem;break-after:avoid}tr{break-inside:avoid}"
    "p{margin:.3rem 0;overflow-wrap:anywhere}.note{color:var(--quiet);"
    "font-size:.9rem}.verdict{font-size:1.1rem;border-left:.3rem solid var(--ink);padding-left:.7rem}"
    ".grid{display:grid;gap:1rem 2rem;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr))}"
    "figure{margin:0;max-width:36rem;break-inside:avoid}svg{display:block;width:100%;height:auto}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid var(--grid);text-align:left;vertical-align:top}"
    "th{vertical-align:bottom;word-break:keep-all}td{white-space:nowrap}"
    "td.number,th.number{text-align:right}td.name{min-width:7rem;white-space:normal}tr.recipe{font-weight:600}"
    "dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.2rem 1rem;margin:.3rem 0}"
    "dt{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}"
    ".in{fill:var(--text)}.on{fill:var(--paper)}.quiet{fill:var(--quiet)}.rule{stroke:var(--text)}"
    "line.grid{stroke:var(--grid)}.halo{stroke:var(--paper)}"
    ".mark{stroke:var(--ink)}.mark.recipe{fill:var(--ink)}.mark.part{fill:var(--fill)}"
    ".mark.baseline{fill:var(--paper);stroke:var(--pale)}"
    "@media(min-width:60rem){td.name{white-space:nowrap}}"
    "@media print{body{max-width:none;margin:0;font-size:10pt}.scroll{overflow:visible}table{font-size:7.5pt}"
    "th,td{padding:.15rem .3rem}}"
)


def check_page(path: Path, language: str) -> None:
    """Refuse a file that is no .html, lies in no folder, or a language without words, before anything is measured."""
    worded(WORDS, language)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"the page cannot be written to {path.name}", mend="name a file that ends in .html")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", mend="create it, or write into another")


def comparison_page(told: Told, *, language: str = "en") -> str:
    """The whole page from what `evorec compare --json` prints: one file, light and dark, without scripts or fetching.

    Sections come in the order in which a person looks: verdict, bars, table, strata, freshness (where `by_model_age`
    is told), weights, cost, circumstances. Every name is escaped: titles and file names are strangers' words.
    """
    words = worded(WORDS, language)
    source = ", ".join(told["data"]["sources"][:1]) or words["log"]
    title = words["title"].format(recipe=told["recipe"], source=source)
    main = max(told["protocols"].values(), key=_weight)
    sections = [
        _section(words["verdict"], *_verdicts(told, words, language)),
        _section(words["bars"], *_bars(told, words)),
        _section(words["strata"], *_strata(told, main, words, language)),
        *([_section(words["ages"], *_ages(told, main, words))] if _ageing(main) else ()),
        _section(words["weights"], *_weights(told["model"]["weights"], words)),
        _section(words["cost"], *_cost(told, main, words)),
        _section(words["facts"], _facts(told, words)),
    ]
    sections.insert(2, _section(words["table"], *_tables(told, words, language)))
    if told["model"]["notes"]:
        notes = tag("ul", *(tag("li", note) for note in told["model"]["notes"]))
        sections.append(_section(words["notes"], notes))
    body = tag("main", tag("h1", title), *sections)
    return document(title, body, language=language, style=_STYLE)


def _weight(one: Told) -> tuple[int, bool]:
    """What makes a protocol the one that single charts show: most targets, then telling how models age."""
    return one["circumstances"]["queries"], one["circumstances"]["kind"] == "successive"


def _section(title: str, *content: Markup) -> Markup:
    return tag("section", tag("h2", title), *content)


def _note(said: str) -> Markup:
    return tag("p", said, class_="note")


def _figures(charts: Sequence[tuple[str, Markup]]) -> Markup:
    drawn = (tag("figure", *([tag("h3", title)] if title else ()), chart) for title, chart in charts)
    return tag("div", *drawn, class_="grid")


def _named(one: Told, words: dict[str, str]) -> str:
    asked = one["circumstances"]
    return f"{words[asked['kind']]}, {words[asked['clock']]}"


def _signed(interval: Told) -> str:
    return f"{interval['mean']:+.4f} [{interval['low']:+.4f}, {interval['high']:+.4f}]"


def sentences(one: Told, *, language: str = "en") -> list[str]:
    """The verdict on one protocol of the JSON: the lead, if there is one, and where the recipe stands to baselines."""
    words, asked, claims = worded(WORDS, language), one["circumstances"], one["claims"]
    lead, against = claims.get("lead"), claims.get("baseline")
    if not lead:
        return [words["alone"]]
    best = next(entry for entry in one["systems"] if entry["name"] == lead["system"])
    numbers = {"k": asked["k"], "mean": best["ndcg"]["mean"], "difference": _signed(lead["difference"])}
    said = [words["leads" if lead["verdict"] == "better" else "no lead"].format(**_sides(lead), **numbers)]
    if against and (_sides(against) != _sides(lead) or against["verdict"] == "not worse"):
        said.append(words[against["verdict"]].format(**_sides(against), difference=_signed(against["difference"])))
    return said


def _verdicts(told: Told, words: dict[str, str], language: str) -> list[Markup]:
    lines = []
    for one in told["protocols"].values():
        lead, *more = sentences(one, language=language)
        lines += [
            tag("h3", _named(one, words), ": ", words["n"].format(**one["circumstances"])),
            tag("p", lead, class_="verdict"),
            *(tag("p", said) for said in more),
        ]
    return [*lines, _note(words["interval note"])]


def _sides(claim: Told) -> dict[str, str]:
    return {"system": claim["system"], "against": claim["against"]}


def _ranked(one: Told) -> list[Told]:
    return sorted(one["systems"], key=lambda entry: -entry["ndcg"]["mean"])


def _k(told: Told) -> int:
    return int(next(iter(told["protocols"].values()))["circumstances"]["k"])


def _bars(told: Told, words: dict[str, str]) -> list[Markup]:
    charts = []
    for one in told["protocols"].values():
        rows = [row_of(entry["name"], entry["ndcg"], entry["kind"]) for entry in _ranked(one)]
        title = _named(one, words)
        charts.append((title, bars(rows, f"{words['bars']}: {title}")))
    return [_note(words["bars note"].format(k=_k(told))), _figures(charts)]


def _tables(told: Told, words: dict[str, str], language: str) -> list[Markup]:
    found = []
    for one in told["protocols"].values():
        k, ranked = one["circumstances"]["k"], list(enumerate(_ranked(one), start=1))
        accuracy = [f"NDCG@{k}", f"Recall@{k}", f"MRR@{k}", words["difference"].format(recipe=told["recipe"])]
        beyond = [words[name] for name in _BEYOND]
        said = tag("th", words["said"].format(recipe=told["recipe"]))
        title = f"{_named(one, words)}: {words['n'].format(**one['circumstances'])}"
        rows = [_row(place, entry, _accuracy(entry), _level(entry["verdict"] or "–", language))
                for place, entry in ranked]  # fmt: skip
        more = [_row(place, entry, _beyond(entry), words[entry["kind"]]) for place, entry in ranked]
        found += [
            tag("h3", title),
            _table(title, [*_head(accuracy, words), said], rows),
            tag("h3", words["beyond"], ": ", _named(one, words)),
            _table(words["beyond"], [*_head(beyond, words), tag("th", words["kind"])], more),
        ]
    return found


def _table(title: str, head: Sequence[Markup], rows: Sequence[Markup]) -> Markup:
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    return tag("div", table, class_="scroll", tabindex=0, role="region", aria_label=title)


def _head(numbers: Sequence[str], words: dict[str, str]) -> list[Markup]:
    first = [tag("th", words["number"], class_="number"), tag("th", words["system"])]
    return first + [tag("th", name, class_="number") for name in numbers]


def _row(place: int, entry: Told, numbers: Sequence[str], last: str) -> Markup:
    return tag(
        "tr",
        tag("td", place, class_="number"),
        tag("td", entry["name"], class_="name"),
        *(tag("td", number, class_="number") for number in numbers),
        tag("td", last),
        class_=entry["kind"],
    )


def _accuracy(entry: Told) -> list[str]:
    means = [f"{entry[name]['mean']:.4f}" for name in ("recall", "mrr")]
    return [row_of("", entry["ndcg"], "").said, *means, _signed(entry["difference"]) if entry["difference"] else "–"]


def _beyond(entry: Told) -> list[str]:
    values = [entry["debiased_ndcg"]["mean"], *(entry[key] for key in list(_BEYOND.values())[1:])]
    return ["–" if value is None else f"<{_INSTANT}" if 0 < value < _INSTANT else f"{value:.3g}" for value in values]


def _level(name: str, language: str) -> str:
    return CHINESE.get(name, name) if language == "zh" else name


def _pair(told: Told, main: Told) -> list[str]:
    """The recipe, and the best baseline where there is one."""
    claim = main["claims"].get("baseline")
    return [told["recipe"], *([claim["against"]] if claim else ())]


def _levels_of(entries: Sequence[Told], names: Sequence[str], words: dict[str, str], language: str) -> list[Level]:
    kinds = ("recipe", "baseline")
    return [
        Level(
            name=_level(entry["level"], language),
            size=words["size"].format(**entry),
            rows=[
                row_of(name, entry["ndcg"][name], kind)
                for name, kind in zip(names, kinds, strict=False)
                if entry["ndcg"].get(name)
            ],
        )
        for entry in entries
    ]


def _strata(told: Told, main: Told, words: dict[str, str], language: str) -> list[Markup]:
    names = _pair(told, main)
    groups: dict[str, list[Told]] = {}
    for entry in main["strata"]:
        groups.setdefault(entry["stratum"], []).append(entry)
    found = {group: _levels_of(entries, names, words, language) for group, entries in groups.items()}
    top = max((row.top for group in found.values() for level in group for row in level.rows), default=0) or 1.0
    said = words["strata note"].format(k=_k(told), protocol=_named(main, words), recipe=names[0], baseline=names[-1])
    titles = {group: words.get(group, group) for group in found}
    charts = [(titles[group], levels(rows, titles[group], top=top)) for group, rows in found.items()]
    return [_note(said), _figures(charts)]


def _ageing(main: Told) -> bool:
    """Whether ages can be told: with `next`, later targets are those of people who were away for longer."""
    return main["circumstances"]["kind"] == "successive" and bool(main.get("by_model_age"))


def _ages(told: Told, main: Told, words: dict[str, str]) -> list[Markup]:
    named = [
        {**entry, "level": words["days"].format(low=entry["from_days"], high=entry["to_days"])}
        for entry in main["by_model_age"]
    ]
    names = _pair(told, main)
    found = _levels_of(named, names, words, "en")
    top = max((row.top for level in found for row in level.rows), default=0) or 1.0
    said = words["ages note"].format(k=_k(told), recipe=names[0], baseline=names[-1])
    chart = levels(found, words["age of the model"], top=top, width=WIDE)
    return [_note(said), _figures([(words["age of the model"], chart)])]


def _weights(found: Sequence[Told], words: dict[str, str]) -> list[Markup]:
    rows, none = [], [one["scorer"] for one in found if one["weight"] < _NOTHING]
    for one in sorted(found, key=lambda one: -one["weight"]):
        if one["weight"] < _NOTHING:
            continue
        fitted = one["low"] is not None
        said = f"{one['weight']:.2f}" + (f" [{one['low']:.2f}, {one['high']:.2f}]" if fitted else "")
        rows.append(Row(name=one["scorer"], mean=one["weight"], low=one["low"], high=one["high"], said=said))
    notes = [_note(words["weights note"])]
    if not any(one["low"] is not None for one in found):
        notes.append(_note(words["prior"]))
    if none:
        notes.append(_note(words["nothing"].format(scorers="; ".join(none))))
    return [*notes, _figures([("", bars(rows, words["weights"]))] if rows else [])]


def _cost(told: Told, main: Told, words: dict[str, str]) -> list[Markup]:
    charts, notes = [], []
    k = _k(told)
    for key, name in (("seconds_per_1000", "answer"), ("fit_seconds", "fit")):
        points = [
            Point(number=place, cost=max(entry[key], _INSTANT), row=row_of(entry["name"], entry["ndcg"], entry["kind"]))
            for place, entry in enumerate(_ranked(main), start=1)
            if entry[key] is not None
        ]
        if len(points) > 1:
            chart = plane(points, f"{words['cost']}: {words[name]}", cost=words[name], quality=f"NDCG@{k}")
            charts.append((words[name], chart))
            notes.append(_note(words[f"{name} note"].format(k=k, protocol=_named(main, words))))
        elif points:
            notes.append(tag("p", words["only"].format(name=points[0].row.name, seconds=points[0].cost)))
    memory = told["cost"]["peak_memory_mb"]
    if memory is not None:
        notes.append(tag("p", words["memory"].format(mb=memory)))
    return [_figures(charts), *notes] if charts or notes else [tag("p", words["no cost"])]


def _facts(told: Told, words: dict[str, str]) -> Markup:
    data = told["data"]
    first = next(iter(told["protocols"].values()))["circumstances"]
    asked = [
        f"{_named(one, words)} ({words['n'].format(**one['circumstances'])})" for one in told["protocols"].values()
    ]
    facts = {
        "sources": ", ".join(data["sources"]) or "–",
        "events": f"{data['events']:,}",
        "users": f"{data['users']:,}",
        "items": words["with events"].format(items=data["items"], seen=data["items_with_events"]),
        "span": f"{_when(data['first'])} – {_when(data['last'])}",
        "cut": words["parts"].format(
            cut=_when(data["cut"]), before=data["events_before_cut"], after=data["events"] - data["events_before_cut"]
        ),
        "ties": f"{first['tie_share']:.1%}",
        "protocol": "; ".join(asked),
        "candidates": words[first["candidates"]],
        "repeats": words["yes" if first["repeats"] else "no"],
        "encoder": told["model"]["encoder"],
        "machine": f"{first['cpu']}, {words['cores']}: {first['cores']}; {first['platform']}; Python {first['python']}",
        "versions": ", ".join(f"{name} {number}" for name, number in told["versions"].items()),
        "seed": told["seed"],
        "measured": f"{_when(told['measured'])} UTC",
    }
    return tag("dl", *(part for name, fact in facts.items() for part in (tag("dt", words[name]), tag("dd", fact))))


def _when(moment: str) -> str:
    return moment[:16].replace("T", " ")
