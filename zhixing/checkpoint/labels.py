"""The labels of a head, as config.json names them: id2label, label2id.

A folder whose labels have no names calls them LABEL_0, LABEL_1 and so on; those are no names to us.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from zhixing.core.errors import CheckpointError
from zhixing.model.config import LABELLED, HeadConfig


def label_keys(heads: Iterable[HeadConfig]) -> dict[str, Any]:
    """Their keys for the labels of the one head that has some."""
    for head in heads:
        if head.kind in LABELLED:
            names = head.names or [f"LABEL_{index}" for index in range(head.labels)]
            return {
                "id2label": {str(index): name for index, name in enumerate(names)},
                "label2id": {name: index for index, name in enumerate(names)},
            }
    return {}


def label_fields(kind: str, table: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Our fields of a head for their labels. Raises CheckpointError unless they are numbered from 0 on."""
    if kind not in LABELLED:
        return {}
    found = table.get("id2label")
    if found is None:
        return {"labels": table.get("num_labels", 2)}
    if not isinstance(found, Mapping) or set(found) != {str(i) for i in range(len(found))}:
        raise CheckpointError(f"{origin}: id2label = {found!r} must number the labels from 0 on")
    names = [str(found[str(index)]) for index in range(len(found))]
    if names == [f"LABEL_{index}" for index in range(len(names))]:
        return {"labels": len(names)}
    return {"names": names}
