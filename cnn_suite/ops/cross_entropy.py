"""Cross-entropies of logits, the form in which a loss neither overflows nor divides by 0."""

from keras import ops


def sigmoid_cross_entropy(target, logits):
    """Binary cross-entropy, elementwise; its gradient by the logit is sigmoid(logit) - target.

    Args:
        target: Float in [0, 1]; need not be 0 or 1.
        logits: Float of the same shape, before the sigmoid.

    Returns:
        Float32 of that shape, at least 0.
    """
    logits = ops.cast(logits, "float32")
    return ops.softplus(logits) - logits * target


def softmax_cross_entropy(target, logits):
    """Cross-entropy over the last axis; its gradient by the logits is softmax(logits) - target where `target` adds up
    to 1, and 0 if `target` is all 0.

    Args:
        target: Float `(..., classes)`.
        logits: Float `(..., classes)`, before the softmax.

    Returns:
        Float32 `(...)`; always 0 for one class, whose softmax is 1 whatever the logit.
    """
    return -ops.sum(target * ops.log_softmax(ops.cast(logits, "float32"), axis=-1), axis=-1)
