"""Damaged and hostile files: imported or refused with a DarknetError, soon and without much memory.

The changes are those of tests/fuzz/darknet.py, which runs them for as long as one likes; here Hypothesis drives them
for a moment. What they once found lies in tests/fuzz/seeds.
"""

import signal
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnn_suite.models.darknet import darknet
from cnn_suite.weights.darknet_cfg import LARGEST_FILE, DarknetError, parse_cfg
from cnn_suite.weights.darknet_plan import plan
from tests.darknet_oracle import HEADER, cfg
from tests.fuzz.darknet import SOUND, damaged_cfg, damaged_weights, import_cfg, import_weights

SEEDS = Path(__file__).parents[1] / "fuzz" / "seeds"
LINEAR = "[conv]\nactivation=linear\n"

quickly = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@contextmanager
def within(seconds):
    """Fails where the code inside takes longer."""

    def stop(*_):
        raise TimeoutError(f"took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("text", SOUND)
def test_the_files_that_are_damaged_below_are_sound(text, tmp_path):
    assert import_cfg(text.encode(), tmp_path) == "imported"


@given(st.randoms(use_true_random=True))
@settings(quickly, max_examples=60)
def test_a_damaged_cfg_is_imported_or_refused(tmp_path, rng):
    with within(30):
        assert import_cfg(damaged_cfg(rng), tmp_path) in ("imported", "refused")


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore"))))
@settings(quickly, max_examples=150)
def test_any_bytes_and_any_text_are_refused_as_a_cfg(tmp_path, content):
    assert import_cfg(content, tmp_path) == "refused"


@given(st.text("[]=#;\r\n ,-.0123456789netcovfils\x0b\x85\u2028", max_size=60))
@settings(quickly, max_examples=150)
def test_text_of_the_signs_of_a_cfg_is_imported_or_refused(tmp_path, text):
    import_cfg(f"[net]\nheight=8\nwidth=8\n{text}".encode(), tmp_path)


@given(st.randoms(use_true_random=True))
@settings(quickly, max_examples=100)
def test_damaged_weights_are_imported_or_refused(tmp_path, rng):
    with within(30):
        assert import_weights(damaged_weights(rng), tmp_path) in ("imported", "refused")


@given(st.binary(max_size=200))
@settings(quickly, max_examples=100)
def test_any_bytes_are_refused_as_weights(tmp_path, content):
    assert import_weights(content, tmp_path) == "refused"
    assert import_weights(HEADER + content, tmp_path) == "refused"


@pytest.mark.parametrize("path", sorted(SEEDS.iterdir()), ids=lambda path: path.name)
def test_what_was_found_once_is_found_no_more(path, tmp_path):
    imported = import_cfg if path.suffix == ".cfg" else import_weights
    with within(30):
        assert imported(path.read_bytes(), tmp_path) in ("imported", "refused")


@pytest.mark.parametrize("text", [
    "[net]\n" * 100_000,
    "[net]\nheight=8\nwidth=8\n" + "[avgpool]\n" * 90_000,
    "[" * 1_000_000,
    "=" * 1_000_000,
    "[net]\n" + "".join(f"a{number}=\n" for number in range(100_000)),
    "[net]\nwidth=" + "9" * 1_000_000,
    cfg("[conv]\n[route]\nlayers=" + "," * 1_000_000),
    cfg("[conv]\n[route]\nlayers=" + "-1," * 300_000),
    "#" * (LARGEST_FILE + 1),
], ids=lambda text: text[:24].replace("\n", " "))  # fmt: skip
def test_large_texts_are_refused_soon(text, tmp_path):
    with within(10):
        assert import_cfg(text.encode(), tmp_path) == "refused"


@pytest.mark.parametrize("body", [
    "[conv]\nfilters=65536\n[conv]\nfilters=65536", "[conv]\nsize=8191\npad=1\nfilters=2", "[upsample]\nstride=8192",
    "[conv]\nfilters=60000\n[conv]\npadding=8192\nstride=8192", "[conv]\nfilters=1000000000000000000",
    "[conv]\nfilters=65536\n[maxpool]\nsize=8192\nstride=8192\n[upsample]\nstride=8192",
    f"{LINEAR}[conv]\nfilters=60000\n[conv]\nfilters=4000\n[conv]\nfilters=60000",
    "[conv]\nfilters=65535\nsize=8\npad=1\n[conv]\nfilters=100\nsize=8\npad=1",
])  # fmt: skip
def test_networks_without_bound_are_refused_before_they_take_memory(body):
    text = cfg(body)
    tracemalloc.start()
    try:
        with within(10), pytest.raises(DarknetError, match=r"line \d+"):
            darknet(plan(parse_cfg(text)))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_many_routes_of_many_sources_are_planned_soon():
    body = "".join(f"{LINEAR}[route]\nlayers=" + "-1," * 1000 + "\n" for _ in range(300))
    with within(10):
        try:
            plan(parse_cfg(cfg(body)))
        except DarknetError:
            pass


@pytest.mark.slow
@pytest.mark.parametrize("section, count", [(LINEAR, 999), ("[conv]\nactivation=leaky\nbatch_normalize=1\n", 333)])
def test_a_chain_deeper_than_pythons_stack_is_built_or_refused(section, count):
    # Keras walks its graph by recursion, when it builds a network and again when it loads one
    with within(120):
        try:
            assert darknet(plan(parse_cfg(cfg(section * count)))).count_params() > count
        except DarknetError as error:
            assert "line " in str(error)
