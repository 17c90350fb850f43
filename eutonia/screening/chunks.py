"""Chunks of whole persons, judged some at a time: each in its own connection, into its own part of the output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eutonia.knowledge import Knowledge
    from eutonia.screening.engine import Chunk, Engine
    from eutonia.screening.parts import Parts
    from eutonia.screening.preparing import Prepared


def chunks_of(engine: Engine, persons_at_once: int | None) -> list[Chunk]:
    """Ranges of person ids; one empty range where nobody is exposed, so that the output has its columns."""
    import polars as pl

    counted = engine.get(
        "SELECT person_id, COUNT(*) AS n FROM index_date GROUP BY person_id ORDER BY person_id"
    )
    if persons_at_once:
        number = pl.int_range(pl.len()) // persons_at_once
    else:
        number = (pl.col("n").cum_sum() - 1) // engine.rows_at_once
    ends = counted.group_by(number.alias("chunk"), maintain_order=True).agg(
        lowest=pl.col("person_id").min(), highest=pl.col("person_id").max()
    )
    return list(ends.select("lowest", "highest").iter_rows()) or [(0, -1)]


def judge_chunks(
    engine: Engine,
    prepared: Prepared,
    knowledge: Knowledge,
    chunks: Sequence[Chunk],
    parts: Parts,
    courses: Parts | None,
    tell: Callable[[int, int], None],
) -> None:
    """Judge every chunk but those that an interrupted run of the same name has finished.

    `tell` hears how many of how many are done.
    """
    from eutonia.screening.findings import ORDER, find
    from eutonia.screening.forecasts import EPISODE, episodes
    from eutonia.screening.groups import kinds

    table = prepared.table
    bands = kinds(prepared.meanings.treatments, knowledge)
    left = [n for n in range(len(chunks)) if not (parts.has(n) and (courses is None or courses.has(n)))]
    beside = [engine.beside() for _ in range(min(engine.chunks_at_once, len(left)))]
    free: SimpleQueue[Engine] = SimpleQueue()
    for each in beside:
        free.put(each)

    def judge(number: int) -> None:
        own = free.get()
        try:
            if courses is not None:
                every = own.over(
                    chunks[number], lambda engine, chunk: episodes(engine, chunk, table, knowledge)
                )
                courses.write(number, every.sort(*EPISODE))
            found = own.over(
                chunks[number], lambda engine, chunk: find(table.rows(engine, chunk), knowledge, bands)
            )
            parts.write(number, found.sort(*ORDER, nulls_last=True))
        finally:
            free.put(own)

    tell(len(chunks) - len(left), len(chunks))
    pool = ThreadPoolExecutor(max(1, len(beside)), thread_name_prefix="screening")
    try:
        running = [pool.submit(judge, number) for number in left]
        for done, finished in enumerate(as_completed(running), len(chunks) - len(left) + 1):
            finished.result()
            tell(done, len(chunks))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for one in beside:
            one.stop()
        raise
    finally:
        pool.shutdown()
        for one in beside:
            one.end()
