"""From torch to a small ONNX file: int8 matrix products by channel, half-precision embeddings."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from classifiers.workshop.network import SentenceEncoder

_LARGE = 1 << 20  # bytes: only embeddings are larger once the products are int8


def export(network: SentenceEncoder, file: Path) -> None:
    """Write the encoder with inputs `input_ids`, `attention_mask` (int64) and the output `sentence`, full precision."""
    ids = torch.arange(16, dtype=torch.long).reshape(2, 8) + 3
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    rows, width = torch.export.Dim("rows", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    network.bert.set_attn_implementation("eager")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (ids, mask),
            str(file),
            input_names=["input_ids", "attention_mask"],
            output_names=["sentence"],
            dynamic_shapes=({0: rows, 1: width}, {0: rows, 1: width}),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def shrink(full: Path, small: Path) -> None:
    """Quantise matrix products to int8 by channel and keep embeddings in half precision."""
    quantize_dynamic(
        str(full),
        str(small),
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )
    _halve_embeddings(small)


def _halve_embeddings(file: Path) -> None:
    model = onnx.load(str(file))
    graph = model.graph
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or len(tensor.raw_data) < _LARGE:
            continue
        values = numpy_helper.to_array(tensor)
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), tensor.name))
        for node in list(graph.node):
            if node.op_type == "Gather" and node.input[0] == tensor.name:
                wide = node.output[0]
                node.output[0] = f"{wide}_half"
                place = list(graph.node).index(node) + 1
                graph.node.insert(place, helper.make_node("Cast", [f"{wide}_half"], [wide], to=TensorProto.FLOAT))
    del graph.value_info[:]
    _forget_where(model)
    onnx.save(model, str(file))


def _forget_where(model: onnx.ModelProto) -> None:
    """The exporter notes in every node which file of which machine it came from; none of that is shipped."""
    for one in (model, model.graph, *model.graph.node, *model.graph.initializer, *model.functions):
        del one.metadata_props[:]
        one.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
            node.doc_string = ""
