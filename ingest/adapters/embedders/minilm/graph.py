"""Builds all-MiniLM-L6-v2 as an ONNX graph from its published weights, without PyTorch.

The graph takes the word pieces of one text and returns the mean of their last hidden states. There
is no batch dimension: a text alone costs no more CPU time than among others, needs no padding and
no mask, and its vector does not depend on its neighbours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]
LAYERS, HEADS, WIDTH = 6, 12, 384
IDS, MEAN = "ids", "mean"
"""Input: int64[pieces]. Output: float32[1, 384]."""
_HEAD = WIDTH // HEADS
_EPSILON = 1e-12
_INT8_MAX = 127
_OPSET, _IR_VERSION = 20, 10
_RUNTIME_DOMAIN = "com.microsoft"
"""Operators that only onnxruntime has."""


def build(weights: Weights, *, int8: bool) -> bytes:
    """The model as bytes of an ONNX file.

    Args:
        weights: The tensors of ``model.safetensors``, by name.
        int8: Multiply by weights of one byte, scaled for each output; the numbers between two
            layers are then rounded to one byte for each text, too. False: keep all 32 bits.

    Raises:
        KeyError: a tensor is missing.
    """
    graph = _Graph(weights, int8=int8)
    hidden = graph.embeddings()
    for layer in range(LAYERS):
        hidden = graph.layer(hidden, f"encoder.layer.{layer}.")
    graph.add("ReduceMean", [hidden, graph.numbers([0])], keepdims=1, named=MEAN)
    return graph.to_bytes()


class _Graph:
    """Nodes and constants, added one after the other; each value has the name of its node."""

    def __init__(self, weights: Weights, *, int8: bool) -> None:
        self._weights = weights
        self._int8 = int8
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def add(self, operator: str, inputs: Sequence[str], *, named: str = "", **options: Any) -> str:
        name = named or f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **options))
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self._constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def numbers(self, values: Sequence[int]) -> str:
        return self.constant(f"numbers_{values}", np.array(values, np.int64))

    def embeddings(self) -> str:
        """Word pieces, their positions and the type of a first sentence, added up."""
        places = self._weights["embeddings.position_embeddings.weight"]
        kind = self._weights["embeddings.token_type_embeddings.weight"][0]
        length = self.add("Shape", [IDS])
        placed = self.add(
            "Slice",
            [self.constant("places", places + kind), self.numbers([0]), length, self.numbers([0])],
        )
        return self._norm(self.add("Add", [self._words(), placed]), "embeddings.LayerNorm")

    def _words(self) -> str:
        words = self._weights["embeddings.word_embeddings.weight"]
        if not self._int8:
            return self.add("Gather", [self.constant("words", words), IDS])
        small, scale = _rounded(words, axis=1)
        picked = self.add("Gather", [self.constant("words", small), IDS])
        scales = self.add("Gather", [self.constant("word_scales", scale), IDS])
        return self.add("Mul", [self.add("Cast", [picked], to=TensorProto.FLOAT), scales])

    def layer(self, hidden: str, prefix: str) -> str:
        """Attention of all pieces to all pieces, and two dense layers."""
        attended = self._dense(
            self._attention(hidden, prefix), *self._linear(f"{prefix}attention.output.dense")
        )
        hidden = self._norm(
            self.add("Add", [attended, hidden]), f"{prefix}attention.output.LayerNorm"
        )
        wide = self.add("Gelu", [self._dense(hidden, *self._linear(f"{prefix}intermediate.dense"))])
        narrow = self._dense(wide, *self._linear(f"{prefix}output.dense"))
        return self._norm(self.add("Add", [narrow, hidden]), f"{prefix}output.LayerNorm")

    def _attention(self, hidden: str, prefix: str) -> str:
        """Queries, keys and values in one product, which rounds its input only once."""
        names = [f"{prefix}attention.self.{part}" for part in ("query", "key", "value")]
        matrices, offsets = zip(*(self._linear(name)[1:] for name in names), strict=True)
        shrunk = _HEAD**-0.5  # of the dot products; queries may as well be smaller from the start
        matrix = np.concatenate([matrices[0] * shrunk, *matrices[1:]], axis=1)
        offset = np.concatenate([offsets[0] * shrunk, *offsets[1:]])
        joint = self._dense(hidden, f"{prefix}attention.self", matrix, offset)
        parted = self.add("Reshape", [joint, self.numbers([-1, 3, HEADS, _HEAD])])
        query, key, value = (
            self.add(
                "Transpose",
                [
                    self.add(
                        "Gather", [parted, self.constant(f"part_{part}", np.array(part))], axis=1
                    )
                ],
                perm=order,
            )
            for part, order in enumerate([(1, 0, 2), (1, 2, 0), (1, 0, 2)])
        )
        shares = self.add("Softmax", [self.add("MatMul", [query, key])], axis=-1)
        heads = self.add("Transpose", [self.add("MatMul", [shares, value])], perm=(1, 0, 2))
        return self.add("Reshape", [heads, self.numbers([-1, WIDTH])])

    def _linear(self, name: str) -> tuple[str, NDArray[np.float32], NDArray[np.float32]]:
        """A dense layer's name, its matrix [inputs, outputs], and what it adds."""
        return name, self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"]

    def _dense(
        self, hidden: str, name: str, matrix: NDArray[np.float32], offset: NDArray[np.float32]
    ) -> str:
        added = self.constant(f"{name}.bias", offset)
        if not self._int8:
            product = self.add("MatMul", [hidden, self.constant(f"{name}.weight", matrix)])
            return self.add("Add", [product, added])
        small, scale = _rounded(matrix, axis=0)
        weight = self.constant(f"{name}.weight", small)
        scales = self.constant(f"{name}.scales", scale.reshape(-1))
        return self.add(
            "DynamicQuantizeMatMul",
            [hidden, weight, scales, "", added],
            domain=_RUNTIME_DOMAIN,
        )

    def _norm(self, hidden: str, name: str) -> str:
        inputs = [
            self.constant(f"{name}.{part}", self._weights[f"{name}.{part}"])
            for part in ("weight", "bias")
        ]
        return self.add("LayerNormalization", [hidden, *inputs], axis=-1, epsilon=_EPSILON)

    def to_bytes(self) -> bytes:
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [helper.make_tensor_value_info(IDS, TensorProto.INT64, ["pieces"])],
            [helper.make_tensor_value_info(MEAN, TensorProto.FLOAT, [1, WIDTH])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_RUNTIME_DOMAIN, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        return bytes(model.SerializeToString())


def _rounded(
    matrix: NDArray[np.float32], *, axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Numbers of one byte, and what they are multiplied by: one scale along an axis."""
    scale = np.abs(matrix).max(axis=axis, keepdims=True) / _INT8_MAX
    return np.rint(matrix / scale).astype(np.int8), scale.astype(np.float32)
