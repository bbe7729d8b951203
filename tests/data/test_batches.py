import threading
import time

import pytest
import torch
import torch.nn.functional as nnf
from hypothesis import given
from hypothesis import strategies as st

from colorstyle_lib.data.batches import Batches, ImageStore, Prefetched, Windows, scaled
from colorstyle_lib.errors import ConfigError, DataError


def noise_store(counts=(9, 4)) -> ImageStore:
    random = torch.Generator().manual_seed(0)
    images = [torch.randint(0, 256, (3, 24, 24 + i), dtype=torch.uint8, generator=random) for i in range(sum(counts))]
    groups = [g for g, count in enumerate(counts) for _ in range(count)]
    return ImageStore(images, [str(i) for i in range(len(images))], [], groups)


@pytest.mark.parametrize("world", [2, 3, 6])
def test_parts_are_the_rows_of_one_and_the_same_batch(world):
    store = noise_store()
    whole = Batches(store, 6, 16, seed=5)
    parts = [Batches(store, 6, 16, seed=5, part=(rank, world)) for rank in range(world)]
    for index in (0, 7):
        assert torch.equal(torch.cat([p.batch(index) for p in parts]), whole.batch(index))
        others = [p.windows(index, view=1).crops() for p in parts]
        assert torch.equal(torch.cat(others), whole.windows(index, view=1).crops())
        assert [i for p in parts for i in p.which(index)] == whole.which(index).tolist()


def test_a_part_touches_its_own_images_only():
    looked_at = []

    class Watched(list):
        def __getitem__(self, i):
            looked_at.append(int(i))
            return super().__getitem__(i)

    store = noise_store()
    part = Batches(ImageStore(Watched(store.images), store.names, [], store.groups), 8, 16, part=(1, 4))
    looked_at.clear()  # the type checker looks, too
    part.batch(3)
    assert looked_at == part.which(3).tolist()
    assert len(looked_at) == 2


def test_fixed_windows_come_again_and_a_second_view_is_another_window_of_the_same_image():
    batches, seen = Batches(noise_store(), 6, 16, fixed=3), {}
    for index in range(40):
        first, second = batches.windows(index), batches.windows(index, view=1)
        assert (first.numbers % 13 == second.numbers % 13).all()
        assert (first.numbers != second.numbers).all()
        for windows in (first, second):
            for number, crop in zip(windows.numbers.tolist(), windows.crops(), strict=True):
                assert torch.equal(seen.setdefault(number, crop), crop)
    assert sorted(seen) == list(range(3 * 13))  # each image's three


def test_groups_are_drawn_by_their_shares():
    batches = Batches(noise_store((9, 40)), 8, 16, shares=(3.0, 1.0))
    small = sum(int((batches.which(i) < 9).sum()) for i in range(400))
    assert small / 3200 == pytest.approx(0.75, abs=0.03)
    with pytest.raises(ConfigError, match="2 fixed windows or more"):
        Batches(noise_store(), 6, 16, fixed=1)


def test_no_image_is_twice_in_a_batch_while_its_group_has_others():
    batches = Batches(noise_store((40, 40)), 16, 8)
    for index in range(40):
        assert len(set(batches.which(index).tolist())) == 16


def test_a_group_smaller_than_its_share_is_used_evenly():
    which = Batches(noise_store((3,)), 8, 8).which(0).tolist()
    assert sorted(which.count(i) for i in range(3)) == [2, 3, 3]


def test_views_of_an_image_are_drawn_independently_of_which_image_it_is():
    batches = Batches(noise_store(), 8, 16)
    assert not torch.equal(batches.batch(0), batches.windows(0, view=1).crops())
    assert torch.equal(batches.windows(0).crops(), batches.batch(0))


@pytest.mark.parametrize(
    ("size", "part", "message"),
    [(6, (0, 4), "cannot be divided among 4"), (4, (2, 2), "rank from 0 to world - 1"), (4, (-1, 2), "rank from 0")],
)
def test_parts_that_cannot_be_are_refused(size, part, message):
    with pytest.raises(ConfigError, match=message):
        Batches(noise_store(), size, 16, part=part)


@given(
    sides=st.lists(st.integers(5, 60), min_size=1, max_size=4),
    size=st.integers(4, 48),
    mirrored=st.booleans(),
    margin=st.integers(0, 9),
)
def test_crops_on_a_gpu_are_those_of_the_cpu(sides, size, mirrored, margin):
    random = torch.Generator().manual_seed(sides[0])
    side = max(sides) + margin  # what lies beyond a window must not leak into it
    pixels = torch.randint(0, 256, (len(sides), 3, side, side), dtype=torch.uint8, generator=random)
    windows = Windows(pixels, torch.tensor(sides), torch.full((len(sides),), mirrored), size, torch.arange(len(sides)))
    torch.testing.assert_close(windows.crops_at_once(), windows.crops(), rtol=0, atol=2e-6)


def test_a_crop_is_antialiased():
    stripes = (torch.arange(64) % 2 * 255).to(torch.uint8).expand(3, 64, 64)
    assert scaled(stripes, 16).std() < 0.05
    plain = nnf.interpolate(stripes[None].float() / 255, (16, 16), mode="nearest")
    assert plain.std() == 0  # one of the two colors alone: what plain sampling makes of it
    assert abs(plain.mean() - 0.5) == 0.5


# Prefetching.
def test_items_come_in_order_whatever_takes_how_long():
    def make(i):
        time.sleep(0.01 * (3 - i % 3))
        return i

    with Prefetched(make, 2, 12, depth=4, workers=3) as items:
        assert list(items) == list(range(2, 12))


def test_items_are_made_ahead_and_waiting_is_counted():
    made = []

    def make(i):
        time.sleep(0.05)
        made.append(i)
        return i

    with Prefetched(make, depth=2, workers=1) as items:
        assert next(items) == 0
        assert items.waited > 0.02
        for _ in range(200):
            if len(made) >= 3:
                break
            time.sleep(0.01)
        assert 1 in made
        before = items.waited
        assert next(items) == 1
        assert items.waited - before < 0.02  # it was there already


def test_no_more_is_made_than_is_kept():
    running = []
    with Prefetched(running.append, depth=3, workers=3) as items:
        time.sleep(0.1)
        assert sorted(running) == [0, 1, 2]
        next(items)
    assert len(running) <= 4


def test_an_error_comes_where_its_item_would_have_come():
    def make(i):
        if i == 2:
            raise DataError("number 2 is damaged")
        return i

    with Prefetched(make, 0, 5) as items:
        assert [next(items), next(items)] == [0, 1]
        with pytest.raises(DataError, match="number 2"):
            next(items)


def test_threads_end_with_the_block():
    def mine():
        return [thread for thread in threading.enumerate() if thread.name.startswith("prefetch")]

    def interrupted():
        with Prefetched(lambda i: i, workers=3) as items:
            next(items)
            assert mine()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not mine()


def test_batches_made_ahead_are_the_same_batches():
    batches = Batches(noise_store(), 4, 16)
    with Prefetched(batches.windows, 3, 6, workers=3) as items:
        assert all(torch.equal(one.crops(), batches.batch(3 + i)) for i, one in enumerate(items))
