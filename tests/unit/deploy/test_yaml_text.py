"""What is written as YAML for Prometheus and Grafana."""

from __future__ import annotations

from deploy.yaml_text import Value, yaml_text


def test_lists_of_mappings_stand_below_their_key() -> None:
    document: dict[str, Value] = {
        "groups": [{"name": "a", "rules": [{"expr": "up == 0"}, {"for": "5s"}]}]
    }
    assert yaml_text(document, "made\nby us") == (
        "# made\n"
        "# by us\n"
        "groups:\n"
        '  - name: "a"\n'
        "    rules:\n"
        '      - expr: "up == 0"\n'
        '      - for: "5s"\n'
    )


def test_words_stay_words_and_what_is_empty_has_a_value() -> None:
    found = yaml_text({"a": "on", "b": "1", "c": 1, "d": True, "e": [], "f": {}, "g": '断了 "x"'})
    assert found == ('a: "on"\nb: "1"\nc: 1\nd: true\ne: []\nf: {}\ng: "断了 \\"x\\""\n')


def test_lists_hold_words_and_lists() -> None:
    assert yaml_text({"a": ["x", ["y", "z"]]}) == 'a:\n  - "x"\n  - - "y"\n    - "z"\n'
