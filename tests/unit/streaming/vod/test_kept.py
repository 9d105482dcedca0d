from streaming.vod.kept import Kept


def test_a_value_is_fresh_until_its_time() -> None:
    kept: Kept[str, int] = Kept(10)
    kept.put("a", 1, until=5.0)
    assert kept.fresh("a", 4.9) == 1
    assert kept.fresh("a", 5.0) is None
    assert kept.any("a") == 1


def test_the_least_used_goes_first_and_weights_are_bounded() -> None:
    kept: Kept[str, int] = Kept(10)
    for name in "abc":
        kept.put(name, 1, 9.0, weight=3)
    kept.fresh("a", 0.0)
    kept.put("d", 1, 9.0, weight=3)
    assert [name for name in "abcd" if kept.any(name)] == ["a", "c", "d"]
    kept.put("e", 1, 9.0, weight=11)
    assert len(kept) == 0


def test_a_value_put_again_weighs_once() -> None:
    kept: Kept[str, int] = Kept(10)
    for value in range(20):
        kept.put("a", value, 9.0, weight=6)
    assert kept.any("a") == 19
    kept.drop("a")
    kept.drop("a")
    kept.put("b", 1, 9.0, weight=10)
    assert kept.any("b") == 1
