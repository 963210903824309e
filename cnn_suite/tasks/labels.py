"""The labels of a configuration after its data have been read."""

from typing import Any

from cnn_suite.config import ConfigError


def with_labels(config: Any, labels: tuple[str, ...]) -> Any:
    """The configuration with the labels that its data have.

    Raises:
        ConfigError: If it names others.
    """
    if config.data.labels not in ((), labels):
        raise ConfigError(
            f"data.labels: the data have the labels {', '.join(labels)}. Received {', '.join(config.data.labels)}. "
            "Leave data.labels out."
        )
    return config.model_copy(update={"data": config.data.model_copy(update={"labels": labels})})
