"""What growth is made of: pure, on costs that a person can check."""

from engine.edge.bench.parts.growth import Cost, Grown


def test_growth_is_what_the_rounds_say_not_what_their_middles_do() -> None:
    rounds = [
        [Cost(100.0, 60.0, 40.0), Cost(90.0, 90.0, 30.0)],  # 100 and 120 us: 1.2
        [Cost(50.0, 120.0, 80.0), Cost(50.0, 120.0, 60.0)],  # 200 and 180: 0.9
        [Cost(80.0, 70.0, 30.0), Cost(80.0, 80.0, 30.0)],  # 100 and 110: 1.1
    ]
    grown = Grown.of([10, 1000], rounds)
    assert grown.growth == 1.1
    assert grown.growth_range == (0.9, 1.2)
    assert list(grown.levels) == ["10", "1000"]
    assert (grown.levels["10"]["engine_us"], grown.levels["1000"]["server_us"]) == (70.0, 30.0)
