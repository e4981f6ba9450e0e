"""What a flame graph is made of: stacks of threads that run, by stage."""

from benchmarks.flame import draw, stacks

RAW = """\
process 1:"python -m ingest up";process 7:"ray::MapWorker(MapBatches(ChunkActor))";Thread.run \
(threading.py:982);cut (ingest/app/pipeline/chunk.py:212);Ruler.count (a/structure.py:127) 3
process 1:"python -m ingest up";process 7:"ray::MapWorker(MapBatches(ChunkActor))";Thread.run \
(threading.py:982);cut (ingest/app/pipeline/chunk.py:215) 1
process 1:"python -m ingest up";process 7:"ray::MapWorker(MapBatches(ChunkActor))";_worker \
(concurrent/futures/thread.py:81) 90
process 1:"python -m ingest up";process 8:"ray::MapBatches(EmbedActor)";Worker.main_loop \
(ray/_private/worker.py:1069) 50
process 1:"python -m ingest up";process 9:"gcs_server";poll (selectors.py:1) 5
"""


def test_stacks_are_counted_by_stage_without_threads_that_wait() -> None:
    found = stacks(RAW)

    [(stage, box)] = found.items()
    assert (stage, box.samples) == ("chunk", 4)
    [(name, cut)] = box.calls.items()
    assert (name, cut.samples) == ("cut chunk.py", 4)
    assert {n: b.samples for n, b in cut.calls.items()} == {"Ruler.count structure.py": 3}


def test_the_picture_is_as_wide_as_all_seconds_and_names_each_stage() -> None:
    figure = draw(stacks(RAW), {"postgres": 3.0, "chunk": 1.0}, "a title")

    [axes] = figure.axes
    texts = {text.get_text() for text in axes.texts}
    assert axes.get_xlim() == (0, 4)
    assert {"postgres 3.0 s", "chunk 1.0 s", "cut chunk.py"} <= texts
