# SPDX-License-Identifier: Apache-2.0
"""bench/cold.py in ONNX Runtime: prints the class probabilities as JSON. With --export first: writes the model as
FILE.onnx, which a user would have done once."""
import json
import pathlib
import sys

import cold_input


def export(model, path):
    """Support [25,28,28,1] and query [1,28,28,1] -> probabilities [5]."""
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper, save

    w, nodes, numbers = cold_input.tensors(model), [], []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def number(name, value):
        numbers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    x = node("Concat", ["support", "query"], "all", axis=0)
    x = node("Transpose", [x], "x0", perm=[0, 3, 1, 2])
    for k in range(1, 5):
        filters = number(f"w{k}", w[f"target.conv{k}.w"].transpose(3, 2, 0, 1))
        x = node("Conv", [x, filters], f"conv{k}", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        norm = [number(f"{part.split('.')[-1]}{k}", w[part.format(k)]) for part in
                ("target.norm{}.gain", "target.norm{}.shift", "running.norm{}.mean", "running.norm{}.var")]
        x = node("BatchNormalization", [x, *norm], f"norm{k}", epsilon=1e-5)
        x = node("MaxPool", [node("Relu", [x], f"relu{k}")], f"pool{k}", kernel_shape=[2, 2], strides=[2, 2])
    x = node("Flatten", [x], "features")
    count = w["target.conv4.w"].shape[-1]
    cut = [number(n, np.array([v], np.int64)) for n, v in (("zero", 0), ("images", 25), ("end", 26))]
    support = node("Slice", [x, cut[0], cut[1]], "support_features")
    query = node("Slice", [x, cut[1], cut[2]], "query_features")
    by_class = node("Reshape", [support, number("classes", np.array([5, 5, count], np.int64))], "by_class")
    means = node("ReduceMean", [by_class, number("shots", np.array([1], np.int64))], "means", keepdims=0)
    gap = node("Sub", [query, means], "gap")
    axis = number("axis", np.array([1], np.int64))
    distance = node("ReduceSum", [node("Mul", [gap, gap], "square"), axis], "distance", keepdims=0)
    scale = -np.exp(w["head.temperature"].flatten()[0]) / count ** 0.5
    node("Softmax", [node("Mul", [distance, number("scale", np.float32(scale))], "logits")], "probabilities", axis=0)
    real = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "cold", [real("support", [25, 28, 28, 1]), real("query", [1, 28, 28, 1])],
                              [real("probabilities", [5])], numbers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(made)
    save(made, path)


if sys.argv[1] == "--export":
    export(*sys.argv[2:])
else:
    import numpy as np
    import onnxruntime

    model, support, query = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    images = np.stack([cold_input.image(f) for f in sorted(pathlib.Path(support).glob("*/*.png"))])
    out = session.run(None, {"support": images, "query": cold_input.image(query)[None]})
    print(json.dumps(out[0].tolist()))
