"""Non-max suppression: the course notes' example, then a NumPy loop and tf.image as oracles."""

import numpy as np
import pytest
import tensorflow as tf

from cnn_suite.ops.nms import non_max_suppression

# Two cars: three boxes round the right one, two round the left one (shares of the picture).
CARS = np.array(
    [
        [0.60, 0.40, 0.90, 0.70],  # .9
        [0.58, 0.42, 0.90, 0.72],  # .6: overlaps the .9 box
        [0.62, 0.38, 0.92, 0.68],  # .7: overlaps the .9 box
        [0.10, 0.45, 0.35, 0.65],  # .8
        [0.12, 0.46, 0.36, 0.66],  # .7: overlaps the .8 box
    ],
    np.float32,
)
CAR_SCORES = np.array([0.9, 0.6, 0.7, 0.8, 0.7], np.float32)


def overlaps(box, boxes):
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    overlap = sides.clip(0).prod(axis=1)
    union = (box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - overlap
    return np.where(union > 0, overlap / np.where(union > 0, union, 1), 0)


def naive(boxes, scores, class_ids=None, *, iou=0.5, floor=0.0, limit=100, sigma=0.0):
    """Indices and scores that greedy or soft suppression keeps, in float64."""
    boxes, scores = boxes.astype(np.float64), scores.astype(np.float64).copy()
    class_ids = np.zeros(len(boxes)) if class_ids is None else class_ids
    left, kept = [k for k in range(len(boxes)) if scores[k] > floor], []
    while left and len(kept) < limit:
        best = max(left, key=lambda k: (scores[k], -k))
        kept.append((best, scores[best]))
        left.remove(best)
        overlap = overlaps(boxes[best], boxes) * (class_ids == class_ids[best])
        if sigma:
            scores = scores * np.exp(-(overlap**2) / (2 * sigma))
            left = [k for k in left if scores[k] > floor]
        else:
            left = [k for k in left if overlap[k] <= iou]
    return [k for k, _ in kept], [s for _, s in kept]


def random_boxes(generator, n):
    xy, wh = generator.uniform(0, 0.7, (n, 2)), generator.uniform(0.05, 0.4, (n, 2))
    return np.concatenate([xy, xy + wh], axis=1).astype(np.float32)


def kept(boxes, scores, class_ids=None, **options):
    """Indices and scores for one picture, without the padding."""
    class_ids = None if class_ids is None else np.asarray(class_ids)[None]
    found = non_max_suppression(boxes[None], np.asarray(scores)[None], class_ids, **options)
    count = int(found.count[0])
    assert not np.asarray(found.indices[0])[count:].any() and not np.asarray(found.scores[0])[count:].any()
    return np.asarray(found.indices[0])[:count].tolist(), np.asarray(found.scores[0])[:count]


def test_the_notes_example_of_9_8_7_6_leaves_one_box_a_car():
    indices, scores = kept(CARS, CAR_SCORES, iou_threshold=0.5)
    assert indices == [0, 3]
    np.testing.assert_allclose(scores, [0.9, 0.8])


def test_boxes_with_pc_up_to_6_are_discarded_before_anything_else():
    # Alone in its corner, so that nothing but the threshold pc <= .6 can remove it.
    boxes = np.concatenate([CARS, [[0.0, 0.0, 0.1, 0.1], [0.9, 0.9, 1.0, 1.0]]]).astype(np.float32)
    scores = np.append(CAR_SCORES, np.array([0.6, 0.61], np.float32))
    assert kept(boxes, scores, score_threshold=np.float32(0.6))[0] == [0, 3, 6]


def test_suppression_runs_for_each_class_by_itself():
    # Pedestrian and car on one spot: both stay; class-agnostic only the better one.
    boxes = np.array([[0.2, 0.2, 0.6, 0.8], [0.2, 0.2, 0.6, 0.8], [0.22, 0.2, 0.6, 0.8]], np.float32)
    scores = [0.7, 0.9, 0.8]
    assert kept(boxes, scores, [0, 1, 1])[0] == [1, 0]
    assert kept(boxes, scores)[0] == [1]


def test_a_box_that_overlaps_by_exactly_the_threshold_stays():
    # Halves and wholes are exact in binary: IoU of the box with its left half is 1 / 2.
    boxes = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1]], np.float32)
    assert kept(boxes, [0.9, 0.8], iou_threshold=0.5)[0] == [0, 1]
    assert kept(boxes, [0.9, 0.8], iou_threshold=0.49)[0] == [0]


@pytest.mark.parametrize("seed", range(6))
def test_greedy_suppression_equals_a_loop_and_tf_image(seed):
    generator = np.random.default_rng(seed)
    boxes, scores = random_boxes(generator, 40), generator.uniform(size=40).astype(np.float32)
    iou, floor, limit = (0.3, 0.5, 0.7)[seed % 3], (0.0, 0.4)[seed % 2], (100, 7)[seed // 3]
    got = kept(boxes, scores, iou_threshold=iou, score_threshold=floor, max_detections=limit)[0]
    assert got == naive(boxes, scores, iou=iou, floor=floor, limit=limit)[0]
    assert got == tf.image.non_max_suppression(boxes, scores, limit, iou, floor).numpy().tolist()


@pytest.mark.parametrize("seed", range(3))
def test_suppression_by_class_equals_a_loop_and_one_run_of_tf_image_a_class(seed):
    generator = np.random.default_rng(seed)
    boxes, scores = random_boxes(generator, 40), generator.uniform(size=40).astype(np.float32)
    class_ids = generator.integers(0, 4, 40)
    got = kept(boxes, scores, class_ids)[0]
    assert got == naive(boxes, scores, class_ids)[0]
    each = []
    for k in range(4):
        own = np.flatnonzero(class_ids == k)
        each += own[tf.image.non_max_suppression(boxes[own], scores[own], 100, 0.5).numpy()].tolist()
    assert got == sorted(each, key=lambda index: -scores[index])


@pytest.mark.parametrize("seed", range(4))
def test_soft_suppression_equals_a_loop_and_tf_image(seed):
    generator = np.random.default_rng(seed)
    boxes, scores = random_boxes(generator, 25), generator.uniform(size=25).astype(np.float32)
    sigma, floor = (0.5, 0.1)[seed % 2], (0.001, 0.3)[seed // 2]
    indices, new_scores = kept(boxes, scores, soft_sigma=sigma, score_threshold=floor, max_detections=30)
    expected = naive(boxes, scores, sigma=sigma, floor=floor)
    assert indices == expected[0]
    np.testing.assert_allclose(new_scores, expected[1], rtol=1e-4)
    # tf.image drops what overlaps by more than its threshold even when soft: 1 switches that off.
    oracle = tf.image.non_max_suppression_with_scores(boxes, scores, 30, 1.0, floor, sigma)
    assert indices == oracle[0].numpy().tolist()
    np.testing.assert_allclose(new_scores, oracle[1], rtol=1e-4)


def test_soft_suppression_by_class_leaves_other_classes_their_scores():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    indices, scores = kept(boxes, [0.9, 0.8, 0.7], [0, 1, 0], soft_sigma=0.5)
    assert indices == [0, 1, 2]
    np.testing.assert_allclose(scores, [0.9, 0.8, 0.7 * np.exp(-1)], rtol=1e-5)


def test_of_equal_scores_the_lower_index_comes_first_as_in_tf_image():
    generator = np.random.default_rng(9)
    boxes, scores = random_boxes(generator, 30), generator.choice([0.25, 0.5, 0.75], 30).astype(np.float32)
    got = kept(boxes, scores)[0]
    assert got == naive(boxes, scores)[0]
    assert got == tf.image.non_max_suppression(boxes, scores, 100, 0.5, 0.0).numpy().tolist()


def test_many_copies_of_one_box_leave_one():
    assert kept(np.tile(CARS[:1], (12, 1)), np.full(12, 0.5))[0] == [0]


@pytest.mark.parametrize("scores", [np.zeros((2, 0)), np.zeros((2, 5)), np.full((2, 5), 0.2)])
def test_no_candidates_or_none_above_the_threshold_give_an_empty_padded_result(scores):
    found = non_max_suppression(np.ones((2, scores.shape[1], 4)), scores, score_threshold=0.2, max_detections=3)
    assert np.asarray(found.count).tolist() == [0, 0]
    np.testing.assert_array_equal(found.indices, np.zeros((2, 3)))
    np.testing.assert_array_equal(found.scores, np.zeros((2, 3)))


def test_pictures_of_a_batch_are_independent():
    generator = np.random.default_rng(10)
    boxes = np.stack([random_boxes(generator, 20) for _ in range(3)])
    scores, class_ids = generator.uniform(size=(3, 20)).astype(np.float32), generator.integers(0, 2, (3, 20))
    scores[1] = 0
    found = non_max_suppression(boxes, scores, class_ids, max_detections=8)
    assert found.indices.shape == found.scores.shape == (3, 8)
    for k in range(3):
        expected = naive(boxes[k], scores[k], class_ids[k], limit=8)[0]
        assert np.asarray(found.indices[k])[: int(found.count[k])].tolist() == expected


def test_fewer_candidates_than_places_are_padded():
    found = non_max_suppression(CARS[None], CAR_SCORES[None], max_detections=10)
    assert int(found.count[0]) == 2 and found.indices.shape == (1, 10)


def test_result_is_sorted_and_no_two_kept_boxes_overlap_by_more_than_the_threshold():
    generator = np.random.default_rng(11)
    boxes, scores = random_boxes(generator, 60), generator.uniform(size=60)
    indices, got = kept(boxes, scores, iou_threshold=0.2)
    assert (np.diff(got) <= 0).all()
    for place, k in enumerate(indices):
        assert (overlaps(boxes[k], boxes[indices[:place]]) <= 0.2 + 1e-6).all()


@pytest.mark.parametrize("candidates", [6, 0])
def test_it_compiles_with_every_size_open(candidates):
    signature = [tf.TensorSpec((None, None, 4)), tf.TensorSpec((None, None)), tf.TensorSpec((None, None), tf.int64)]

    @tf.function(input_signature=signature)
    def compiled(boxes, scores, class_ids):
        return non_max_suppression(boxes, scores, class_ids, max_detections=5)

    generator = np.random.default_rng(12)
    boxes, scores = random_boxes(generator, candidates), generator.uniform(size=candidates).astype(np.float32)
    class_ids = generator.integers(0, 2, candidates)
    found = compiled(boxes[None], scores[None], class_ids[None])
    expected = naive(boxes, scores, class_ids, limit=5)[0]
    assert found.indices.numpy()[0, : int(found.count[0])].tolist() == expected


def test_boxes_and_scores_of_half_precision_are_taken():
    found = non_max_suppression(CARS[None].astype(np.float16), CAR_SCORES[None].astype(np.float16))
    assert found.indices.numpy()[0, : int(found.count[0])].tolist() == [0, 3]
