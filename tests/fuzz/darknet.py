"""Feeds damaged and hostile files to the readers of Darknet's .cfg and .weights.

    python tests/fuzz/darknet.py --seconds 600

Whatever a file holds, it must be imported or refused with a DarknetError, within seconds and within a bounded memory.
Every reader works in a process of its own, so that even a crash of that is seen. What is found is written to
`--faults`; a small copy of it belongs into tests/fuzz/seeds, which tests/weights/test_darknet_fuzz.py replays.
"""

import argparse
import json
import logging
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

CASE_SECONDS = 30
MEMORY = 2 << 30  # bytes on top of what the process has after its first case
BUILT = 1 << 21  # parameters up to which a planned network is also built, and
BUILT_SECTIONS = 60  # sections

NET = "[net]\nheight=8\nwidth=16\n"
DOWN = "[convolutional]\nbatch_normalize=1\nfilters=8\nsize=3\nstride=2\npad=1\nactivation=leaky\n"
WIDE = "[convolutional]\nfilters=8\ngroups=4\nsize=3\npad=1\nactivation=mish\n"
YOLO = "[convolutional]\nfilters=16\nactivation=linear\n[yolo]\nmask=1,2\nanchors=1,2,3,4,5,6\nnum=3\nclasses=3\n"
REGION = "[convolutional]\nfilters=14\nactivation=linear\n[region]\nanchors=1,2,3,4\nnum=2\nclasses=2\nsoftmax=1\n"
SOUND = (
    f"{NET}{DOWN}{WIDE}[shortcut]\nfrom=-2\nactivation=relu\n{DOWN}{YOLO}[route]\nlayers=-3\n[upsample]\nstride=2\n"
    f"[route]\nlayers=-1,2\n{YOLO}",
    f"{NET}{DOWN}[maxpool]\nsize=2\nstride=2\n[route]\nlayers=-2\n[reorg]\nstride=2\n[route]\nlayers=-1,-3\n{REGION}",
    f"{NET}{DOWN}[route]\nlayers=-1\ngroups=2\ngroup_id=1\n[dropout]\nprobability=.5\n[avgpool]\n",
)
KINDS = "net convolutional maxpool avgpool upsample route shortcut reorg dropout yolo region softmax lstm".split()
OPTIONS = (
    "filters size stride stride_x pad padding groups group_id batch_normalize activation layers from mask anchors num "
    "classes scale scale_x_y new_coords reverse probability softmax tree coords width height channels letter_box"
).split()
VALUES = (
    "0 1 2 3 4 7 8 13 16 64 1000 8191 8192 65535 65536 -1 -2 -7 1000000000000000000 -9223372036854775809 1e18 1e-30 "
    "nan inf -inf 0x10 1_0 3.0 .5 , 1,2 -1,-2 0,0,0,0 linear leaky mish elu logistic per_feature = == [yolo] # ٣ "
).split() + ["", " ", "\x00", "1" * 400, "-1," * 900, "1,2," * 400]


def damaged_cfg(rng: random.Random) -> bytes:
    """A sound .cfg after some changes that know the grammar, and sometimes after some that do not."""
    lines = rng.choice(SOUND).splitlines()
    for _ in range(rng.choice((1, 1, 2, 3, 5, 12))):
        rng.choice(CFG_CHANGES)(lines, rng)
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return damaged_bytes(content, rng) if rng.random() < 0.2 else content


def _change_value(lines: list[str], rng: random.Random) -> None:
    places = [place for place, line in enumerate(lines) if "=" in line] or [0]
    place = rng.choice(places)
    lines[place : place + 1] = [lines[place].split("=")[0] + "=" + rng.choice(VALUES)] if lines else []


def _insert_option(lines: list[str], rng: random.Random) -> None:
    lines.insert(rng.randrange(len(lines) + 1), f"{rng.choice(OPTIONS)}={rng.choice(VALUES)}")


def _insert_section(lines: list[str], rng: random.Random) -> None:
    options = [f"{name}={rng.choice(VALUES[:12])}" for name in rng.sample(OPTIONS, rng.randrange(4))]
    place = rng.randrange(len(lines) + 1)
    lines[place:place] = [f"[{rng.choice(KINDS)}]", *options]


def _repeat(lines: list[str], rng: random.Random) -> None:
    start = rng.randrange(len(lines) + 1)
    part = lines[start : start + rng.randrange(1, 12)]
    lines[start:start] = part * rng.choice((1, 2, 5, 50, 400))


def _remove(lines: list[str], rng: random.Random) -> None:
    start = rng.randrange(len(lines) + 1)
    del lines[start : start + rng.choice((1, 1, 1, 4, 20))]


def _swap(lines: list[str], rng: random.Random) -> None:
    if lines:
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]


CFG_CHANGES = (_change_value, _change_value, _change_value, _insert_option, _insert_section, _repeat, _remove, _swap)


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Any file after some bytes changed, came or went."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                del changed[place:]
            case 1:
                del changed[place : place + rng.choice((1, 4, 5, 100))]
            case 2:
                changed[place:place] = rng.randbytes(rng.choice((1, 3, 4, 16, 1000)))
            case 3:
                changed[place : place + 1] = rng.randbytes(1)
            case 4:
                changed[place : place + 4] = rng.choice((b"\x00\x00\xc0\x7f", b"\xff" * 4, b"\x00" * 4))
    return bytes(changed)


def damaged_weights(rng: random.Random) -> bytes:
    """A header that may lie, and values of a number that may be wrong."""
    version = [rng.choice((0, 0, 1, 2, 999, 1000, -1, 2**31 - 1, -(2**31))) for _ in range(3)]
    if rng.random() < 0.5:
        version = [0, 2, 0]
    header = b"".join(number.to_bytes(4, "little", signed=True) for number in version)
    seen = rng.randbytes(rng.choice((8, 8, 8, 4, 0, 7)))
    count = rng.choice((PARAMETERS, PARAMETERS, PARAMETERS, PARAMETERS - 1, PARAMETERS + 1, 0, 1, 10**5, 10**6))
    content = header + seen + rng.randbytes(4) * count
    return damaged_bytes(content, rng) if rng.random() < 0.5 else content


PARAMETERS = 3 * 8 * 9 + 4 * 8 + (8 * 8 // 4 * 9 + 8) + (8 * 8 * 9 + 4 * 8) + 2 * (8 * 16 + 16) + 8 * 16


def import_cfg(content: bytes, folder: Path) -> str:
    """Reads a .cfg, plans its network and builds it where it is small.

    Returns:
        "imported" or "refused".
    """
    import keras

    from cnn_suite.models.darknet import darknet
    from cnn_suite.weights.darknet_cfg import DarknetError, read_cfg
    from cnn_suite.weights.darknet_plan import LARGEST_MAP, MOST_PARAMETERS, plan

    path = folder / "case.cfg"
    path.write_bytes(content)
    try:
        sections = read_cfg(path)
        network = plan(sections)
        if network.parameters > MOST_PARAMETERS:
            raise AssertionError(f"{network.parameters} parameters were let through")
        if any(h * w * c > LARGEST_MAP or h * w * c < 1 for h, w, c in (step.shape for step in network.steps)):
            raise AssertionError("a map without numbers or with too many was let through")
        if network.parameters <= BUILT and len(sections) <= BUILT_SECTIONS:
            keras.utils.clear_session()
            if darknet(network).count_params() != network.parameters:
                raise AssertionError("the network has other parameters than its plan")
    except DarknetError as error:
        if len(str(error)) > 1000:
            raise AssertionError(f"an error of {len(str(error))} characters") from error
        return "refused"
    return "imported"


def import_weights(content: bytes, folder: Path) -> str:
    """Reads a .weights file into the first of the sound networks.

    Returns:
        "imported" or "refused".
    """
    from cnn_suite.models.darknet import darknet
    from cnn_suite.weights.darknet_cfg import DarknetError, parse_cfg
    from cnn_suite.weights.darknet_plan import plan
    from cnn_suite.weights.darknet_weights import load_darknet_weights, read_darknet_weights

    network = plan(parse_cfg(SOUND[0]))
    if not _MODELS:
        _MODELS.append(darknet(network))
    path = folder / "case.weights"
    path.write_bytes(content)
    try:
        load_darknet_weights(_MODELS[0], network, read_darknet_weights(path))
    except DarknetError:
        return "refused"
    return "imported"


_MODELS: list = []
READERS = {"cfg": (damaged_cfg, import_cfg), "weights": (damaged_weights, import_weights)}


def work(reader: str, seconds: float, seed: int, folder: Path) -> None:
    """Cases one after another, in this process; the present one, the counts and the faults lie in `folder`."""
    damaged, imported = READERS[reader]
    rng, counts, known = random.Random(seed), Counter(), set()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.disable(logging.WARNING)  # of unknown options
    imported(SOUND[0].encode(), folder)  # TensorFlow is loaded now, and does not count
    limit = _memory_now() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, _too_slow)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        content = damaged(rng)
        (folder / "present").write_bytes(content)
        signal.alarm(CASE_SECONDS)
        try:
            counts[imported(content, folder)] += 1
        except Exception as error:  # whatever it is, it is a fault
            counts["faults"] += 1
            _keep(content, error, reader, folder, known)
        finally:
            signal.alarm(0)
        (folder / "counts").write_text(json.dumps(counts))


def _memory_now() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _too_slow(*_) -> None:
    raise TimeoutError(f"took more than {CASE_SECONDS} seconds")


def _keep(content: bytes, error: Exception, reader: str, folder: Path, known: set[str]) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "cnn_suite" in frame.filename] or frames
    place = f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
    if place not in known:
        known.add(place)
        path = folder / "faults" / f"{len(known)}_{type(error).__name__}.{reader}"
        path.write_bytes(content)
        print(f"  {place}: {str(error)[:200]} -> {path.name}", flush=True)


def fuzz(reader: str, seconds: float, seed: int, faults: Path) -> Counter:
    """Runs one reader in processes of its own until the time is over; one that dies is a fault and is replaced."""
    total, end = Counter(), time.monotonic() + seconds
    faults.mkdir(parents=True, exist_ok=True)
    while end - time.monotonic() > 1:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "faults").mkdir()
            died = _run_worker(reader, end - time.monotonic(), seed, name)
            if (folder / "counts").exists():
                total.update(json.loads((folder / "counts").read_text()))
            if died:
                total["faults"] += 1
                print(f"  the process ended with {died}", flush=True)
                if (folder / "present").exists():
                    shutil.copy(folder / "present", faults / f"died_{seed}.{reader}")
            for path in (folder / "faults").iterdir():
                shutil.copy(path, faults / f"{seed}_{path.name}")
        seed += 1
    return total


def _run_worker(reader: str, seconds: float, seed: int, folder: str) -> int:
    """Its exit code, or -9 where it hangs in a place that the alarm does not reach."""
    arguments = ["--worker", folder, "--reader", reader, "--seconds", str(seconds), "--seed", str(seed)]
    try:
        return subprocess.run([sys.executable, __file__, *arguments], timeout=seconds + 4 * CASE_SECONDS).returncode
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="for each reader")
    parser.add_argument("--reader", choices=(*READERS, "both"), default="both")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=Path, default=Path("fuzz_faults"), help="folder for files that are faults")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.reader, arguments.seconds, arguments.seed, arguments.worker)
        return 0
    faults = 0
    for reader in READERS if arguments.reader == "both" else (arguments.reader,):
        counts = fuzz(reader, arguments.seconds, arguments.seed, arguments.faults)
        cases = counts["imported"] + counts["refused"] + counts["faults"]
        print(f"{reader}: {cases:,} cases, {counts['imported']:,} imported, {counts['refused']:,} refused, "
              f"{counts['faults']} faults")  # fmt: skip
        faults += counts["faults"]
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
