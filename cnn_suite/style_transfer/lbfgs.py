"""L-BFGS on the pixels of one picture, SciPy's own, one iteration at a time.

SciPy's `minimize` keeps the flow of control until it is done. It therefore runs on a thread that stops after every
iteration until the next one is asked for.
"""

import queue
import threading
import time

import numpy as np
import tensorflow as tf
from scipy.optimize import Bounds, OptimizeResult, minimize

from cnn_suite.style_transfer.objective import Costs, Objective

_FULL = 255.0  # SciPy sees 0..1: its first step has length 1 whatever the units, and in grey levels that is nothing
_MANY_PIXELS = 4_000_000  # numbers; above it fewer pairs are remembered, of 8 bytes a number each
_PAIRS, _FEW_PAIRS = 10, 5


class _Stopped(Exception):
    """Raised inside SciPy's loop when it is to end."""


class LbfgsSteps:
    """The optimisation of a picture of one size; the same methods and attributes as `AdamSteps`.

    Args:
        objective: The function to minimise.
        picture: Where it starts, float32 `(height, width, 3)`, 0..255.
        best: The picture with the smallest cost so far and its costs; None at the beginning.
        deadline: When a step must end, on the clock of `time.monotonic`, even within a line search; None for never.

    Source: Byrd, Lu, Nocedal & Zhu 1995, A Limited Memory Algorithm for Bound Constrained Optimization.
    """

    moments = None  # its memory is not kept over a break: it starts again from the picture

    def __init__(
        self,
        objective: Objective,
        picture: np.ndarray,
        best: tuple[np.ndarray, Costs] | None = None,
        deadline: float | None = None,
    ) -> None:
        self._objective, self._shape, self._deadline = objective, picture.shape, deadline
        self._evaluate = tf.function(self._value_and_gradient, autograph=False)
        self._picture = np.asarray(picture, np.float32)
        self._best = best or (self._picture, Costs(*[float("inf")] * 4))
        self._costs = self._best[1]  # of the latest evaluation
        self.start_costs: Costs | None = None  # of the first one
        self._is_stopping = False
        self._asked: queue.Queue[bool] = queue.Queue()
        self._answered: queue.Queue[Costs | Exception | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="lbfgs", daemon=True)

    def step(self, rate: float) -> Costs | None:
        """One iteration, of one or several evaluations; None when no further one helps.

        The costs are those of the picture after it.

        Args:
            rate: Not used; the line search finds how far to go.
        """
        if self._thread.ident is None:
            self._thread.start()
        elif not self._thread.is_alive():
            return None
        self._asked.put(True)
        answer = self._answered.get()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def picture(self) -> np.ndarray:
        """The picture as it is now, float32 `(height, width, 3)`."""
        return self._picture

    @property
    def best(self) -> tuple[np.ndarray, Costs]:
        """The picture with the smallest cost so far, and its costs."""
        return self._best

    def close(self) -> None:
        """Ends the thread."""
        self._is_stopping = True
        self._asked.put(False)
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        self._asked.get()
        try:
            pairs = _PAIRS if self._picture.size <= _MANY_PIXELS else _FEW_PAIRS
            minimize(
                self._cost,
                self._picture.ravel().astype(np.float64) / _FULL,
                jac=True,
                method="L-BFGS-B",
                bounds=Bounds(0.0, 1.0),
                callback=self._iterated,
                options={"maxcor": pairs, "maxiter": 10**9, "maxfun": 10**9, "ftol": 0.0, "gtol": 0.0},
            )
            self._answered.put(None)
        except _Stopped:
            self._answered.put(None)
        except Exception as error:
            self._answered.put(error)

    def _cost(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        if self._is_stopping or (self._deadline is not None and time.monotonic() > self._deadline):
            raise _Stopped
        picture = (values * _FULL).astype(np.float32).reshape(self._shape)
        tensor = tf.constant(picture[None])
        evaluate = self._objective.value_and_gradient if self._objective.tiled else self._evaluate
        costs, gradient = evaluate(tensor)
        self._costs = Costs(*map(float, costs))
        self.start_costs = self.start_costs or self._costs
        if self._costs.total < self._best[1].total:
            self._best = picture, self._costs
        return self._costs.total, gradient.numpy().ravel().astype(np.float64) * _FULL

    def _iterated(self, intermediate_result: OptimizeResult) -> None:
        self._picture = (intermediate_result.x * _FULL).astype(np.float32).reshape(self._shape)
        self._answered.put(self._costs)  # SciPy's last evaluation before it calls back is that of the new picture
        self._asked.get()
        if self._is_stopping:
            raise StopIteration

    def _value_and_gradient(self, picture: tf.Tensor) -> tuple[Costs, tf.Tensor]:
        return self._objective.value_and_gradient(picture)
