"""Items that come while others are dealt with are dealt with together."""

import asyncio

import pytest

from ingest.coalesce import Coalescer


class Act:
    """Doubles numbers; odd ones fail, and all do that come with a seven."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self, items: list[int]) -> list[int | Exception]:
        self.groups.append(items)
        self.began.set()
        await self.may_end.wait()
        if 7 in items:
            raise RuntimeError("all of them")
        return [ValueError(item) if item % 2 else 2 * item for item in items]


@pytest.fixture
def act() -> Act:
    return Act()


async def test_what_comes_meanwhile_goes_together(act: Act) -> None:
    gathered = Coalescer[int, int](act)
    tasks = [asyncio.create_task(gathered(0))]
    await act.began.wait()
    tasks += [asyncio.create_task(gathered(item)) for item in (2, 4, 6)]
    await asyncio.sleep(0)
    act.may_end.set()

    assert await asyncio.gather(*tasks) == [0, 4, 8, 12]
    assert act.groups == [[0], [2, 4, 6]]


async def test_each_has_its_own_error_and_all_have_that_of_the_act(act: Act) -> None:
    act.may_end.set()
    gathered = Coalescer[int, int](act)

    mixed = await asyncio.gather(*map(gathered, (2, 3, 4)), return_exceptions=True)
    broken = await asyncio.gather(*map(gathered, (6, 7)), return_exceptions=True)
    after = await gathered(8)

    assert [str(one) for one in mixed] == ["4", "3", "8"]
    assert [str(one) for one in broken] == ["all of them"] * 2
    assert after == 16


async def test_one_who_gives_up_leaves_the_others_theirs(act: Act) -> None:
    gathered = Coalescer[int, int](act)
    tasks = [asyncio.create_task(gathered(item)) for item in (2, 4)]
    await act.began.wait()
    tasks[0].cancel()
    act.may_end.set()

    ended = await asyncio.gather(*tasks, return_exceptions=True)

    assert isinstance(ended[0], asyncio.CancelledError)
    assert ended[1] == 8


async def test_what_is_stopped_goes_on_no_more_and_begins_anew(act: Act) -> None:
    gathered = Coalescer[int, int](act)
    await gathered.stop()
    first = asyncio.create_task(gathered(2))
    await act.began.wait()
    first.cancel()

    await gathered.stop()
    act.may_end.set()

    assert first.cancelled()
    assert await gathered(4) == 8
    assert act.groups == [[2], [4]]


async def test_the_first_waits_for_others(act: Act) -> None:
    act.may_end.set()
    gathered = Coalescer[int, int](act, linger=0.05)
    first = asyncio.create_task(gathered(2))
    await asyncio.sleep(0.001)

    assert list(await asyncio.gather(first, gathered(4))) == [4, 8]
    assert act.groups == [[2, 4]]
