"""One page about one user: river, journeys, short against long term, and what is expected next."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from evorec.core.errors import InputError
from evorec.plots.dates import date_axis
from evorec.plots.profile import (
    Outlook,
    Profile,
    draw_outlook,
    draw_profile,
    leading_rows,
    outlook_caption,
    profile_caption,
)
from evorec.plots.river import River, draw_river, river_axes, river_caption, river_height
from evorec.plots.theme import drawing, sheet, worded, write_figure
from evorec.plots.threads import Thread, draw_threads, threads_caption, threads_height

_WORDS: Final = {"en": {"time": "time (UTC)"}, "zh": {"time": "时间 (UTC)"}}


def portrait(
    path: Path,
    *,
    title: str,
    river: River,
    threads: Sequence[Thread] | None = None,
    profile: Profile | None = None,
    outlook: Outlook | None = None,
    language: str = "en",
) -> None:
    """Draw all that is known of one user into `path` (.svg, .png, .html); a part that is not given is left out.

    Journeys lie below the river on its time axis. Profile and outlook must name the same topics: they share rows.

    >>> from tempfile import TemporaryDirectory
    >>> from evorec.core.types import DAY
    >>> river = River(topics=["tea", "tents"], moments=np.arange(2) * DAY, shares=np.array([[0.9, 0.1], [0.3, 0.7]]))
    >>> walk = Thread(name="light tents", moments=np.array([0, DAY // 2]), alive=True, strength=0.7)
    >>> with TemporaryDirectory() as folder:
    ...     portrait(Path(folder) / "ann.html", title="Interests of ann", river=river, threads=[walk])
    ...     page = (Path(folder) / "ann.html").read_text(encoding="utf-8")
    >>> "light tents: 1970-01-01 – 1970-01-01, 2 × event, alive, 70%" in page
    True
    """
    words = worded(_WORDS, language)
    if profile is not None and outlook is not None and list(profile.topics) != list(outlook.topics):
        raise InputError("profile and outlook name different topics", mend="give both over the same topics")
    names = [*river.texts(), *(thread.name for thread in threads or ())]
    names += [*(profile.topics if profile else ()), *((outlook.ahead, *outlook.topics) if outlook else ())]
    below = [] if threads is None else [threads_height(threads)]
    heights = [river_height(river) + sum(below) + 0.6 * len(below)]
    heights += [max(part.height() for part in (profile, outlook) if part is not None)] if profile or outlook else []
    with drawing(path, [title, *names, *words.values()]):
        figure = sheet(sum(heights), title)
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False, hspace=0.04)[:, 0]
        axes = river_axes(parts[0], river, *below)
        draw_river(axes, river, language)
        if threads is not None:
            draw_threads(axes[-1], threads, int(river.moments[-1]), language)
        date_axis(axes[-1], language)
        axes[-1].set_xlabel(words["time"])
        if len(parts) > 1:
            _now_and_next(parts[1], profile, outlook, language)
        caption = [*river_caption(river, language), *(threads_caption(threads, language) if threads else ())]
        caption += profile_caption(profile, language) if profile else []
        caption += outlook_caption(outlook, language) if outlook else []
        write_figure(figure, path, title=title, language=language, caption=caption)


def _now_and_next(figure: Any, profile: Profile | None, outlook: Outlook | None, language: str) -> None:
    """Profile and outlook beside each other, the same topics in the same rows on the same scale."""
    shares = [profile.short_term, profile.long_term] if profile else []
    shares += [outlook.now, outlook.forecast] if outlook else []
    rows = leading_rows(*(np.asarray(one) for one in shares))
    axes = list(figure.subplots(1, bool(profile) + bool(outlook), sharex=True, squeeze=False)[0])
    if profile:
        draw_profile(axes[0], profile, rows, language)
    if outlook:
        draw_outlook(axes[-1], outlook, rows, language)
        if profile:
            axes[-1].tick_params(labelleft=False)
