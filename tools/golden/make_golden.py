#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/*.txt: numbers of PyTorch in f64 that test_golden compares Gossamer with.

Needs torch and numpy (any recent CPU build); the tests need neither. Run from the repository's root:
    python3 tools/golden/make_golden.py
A file holds named tensors in Gossamer's layout (NHWC, HWIO, [tasks, samples, ...]): inputs x0, x1, ...; a cotangent c;
directions u0, u1, ...; then what PyTorch makes of them:
    y   = f(x)
    g_i = d sum(c * y) / d x_i
    h_i = d sum_j sum(u_j * g_j) / d x_i
Inputs are rounded to three decimals, so that the text is exact.
"""
import os

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "golden")


def put(file, name, tensor, digits):
    a = tensor.detach().numpy()
    file.write("tensor %s %d %s\n" % (name, a.ndim, " ".join(str(d) for d in a.shape)))
    flat = ["%.*g" % (digits, v) for v in a.reshape(-1)]
    for i in range(0, len(flat), 12):
        file.write(" ".join(flat[i:i + 12]) + "\n")


def open_file(name):
    file = open(os.path.join(OUT, name + ".txt"), "w")
    file.write("# tools/golden/make_golden.py, PyTorch %s, f64\n" % torch.__version__.split("+")[0])
    return file


def normal(rng, shape):
    return torch.tensor(np.round(rng.standard_normal(shape), 3))


def case(name, f, *inputs):
    """inputs: shapes, or tensors to take as they are; a tensor that needs no gradient is a constant of f."""
    rng = np.random.default_rng(sum(map(ord, name)))
    x = [i if torch.is_tensor(i) else normal(rng, i).requires_grad_() for i in inputs]
    active = [i for i in x if i.requires_grad]
    y = f(*x)
    c = normal(rng, tuple(y.shape))
    g = torch.autograd.grad((c * y).sum(), active, create_graph=True)
    u = [normal(rng, tuple(i.shape)) for i in active]
    s = sum((a * b).sum() for a, b in zip(g, u))
    h = torch.autograd.grad(s, active, allow_unused=True) if s.requires_grad else [None] * len(active)
    with open_file(name) as file:
        for i, v in enumerate(x):
            put(file, "x%d" % i, v, 6)
        put(file, "c", c, 6)
        put(file, "y", y, 12)
        at = [i for i, v in enumerate(x) if v.requires_grad]
        for i, k in enumerate(at):
            put(file, "u%d" % k, u[i], 6)
            put(file, "g%d" % k, g[i], 12)
            put(file, "h%d" % k, torch.zeros_like(x[k]) if h[i] is None else h[i], 12)


# ---- layouts: [T,N,H,W,C] <-> a task's [N,C,H,W]; [T,kh,kw,C/g,O] <-> [O,C/g,kh,kw] ----

def each_task(f, x, *weights):
    """f(images NCHW, weights of that task) for every task; weights with one task are shared."""
    out = []
    for t in range(x.shape[0]):
        w = [v[t if v.shape[0] > 1 else 0] for v in weights]
        out.append(f(x[t].permute(0, 3, 1, 2), *w).permute(0, 2, 3, 1))
    return torch.stack(out)


def conv(stride=(1, 1), dilation=(1, 1), groups=1, pad=(0, 0, 0, 0)):
    top, left, bottom, right = pad

    def one(x, w):
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, w.permute(3, 2, 0, 1), stride=stride, dilation=dilation, groups=groups)

    return lambda x, w: each_task(one, x, w)


def convolutions():
    same = (1, 1, 1, 1)
    case("conv_same", conv(pad=same), (2, 2, 4, 3, 2), (2, 3, 3, 2, 3))
    case("conv_shared", conv(pad=same), (2, 2, 3, 3, 2), (1, 3, 3, 2, 2))
    case("conv_stride", conv(stride=(2, 2), pad=(1, 0, 1, 2)), (2, 1, 5, 4, 2), (2, 3, 3, 2, 2))
    case("conv_dilated", conv(dilation=(2, 2), pad=(2, 2, 2, 2)), (2, 1, 5, 4, 1), (2, 3, 3, 1, 2))
    case("conv_groups", conv(groups=2, pad=(0, 1, 1, 0)), (2, 2, 3, 3, 4), (2, 2, 2, 2, 4))
    case("conv_depthwise", conv(groups=3, pad=same), (2, 2, 3, 3, 3), (2, 3, 3, 1, 6))
    case("conv_uneven", conv(stride=(1, 2), dilation=(2, 1), pad=(0, 1, 2, 0)), (1, 2, 4, 5, 2), (1, 2, 3, 2, 2))


def pools():
    shape = (2, 2, 4, 5, 2)
    # distinct numbers, so that no maximum is tied
    order = torch.tensor(np.random.default_rng(5).permutation(160).reshape(shape) / 40.0 - 2).requires_grad_()
    case("max_pool", lambda x: each_task(lambda v: F.max_pool2d(v, 2), x), order)
    case("max_pool_overlap", lambda x: each_task(lambda v: F.max_pool2d(v, 3, 2, 1), x), order)
    case("avg_pool", lambda x: each_task(lambda v: F.avg_pool2d(v, 2), x), shape)
    case("avg_pool_overlap", lambda x: each_task(lambda v: F.avg_pool2d(v, 3, 2, 1), x), shape)


def norms():
    image = (2, 2, 2, 3, 4)
    case("layer_norm", lambda x: F.layer_norm(x, (5,), eps=1e-3), (2, 3, 5))
    case("group_norm", lambda x: each_task(lambda v: F.group_norm(v, 2, eps=1e-3), x), image)
    case("instance_norm", lambda x: each_task(lambda v: F.instance_norm(v, eps=1e-3), x), image)

    def batch(x, scale, shift):
        return each_task(lambda v, a, b: F.batch_norm(v, None, None, a, b, training=True, eps=1e-3), x, scale, shift)

    case("batch_norm", batch, image, (2, 4), (1, 4))


def losses():
    target = torch.tensor([[[1., 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]]])

    def smoothed(logits, t):
        flat = F.cross_entropy(logits.reshape(-1, 4), t.reshape(-1, 4), label_smoothing=0.1, reduction="none")
        return flat.reshape(2, 3)

    case("cross_entropy", smoothed, (2, 3, 4), target)
    case("log_softmax", lambda x: F.log_softmax(x, -1), (2, 3, 4))
    case("huber", lambda x, t: F.huber_loss(x, t, delta=0.7, reduction="none").mean(-1), (2, 3, 4), (2, 3, 4))


def activations():
    shape = (2, 3, 4)
    case("gelu", lambda x: F.gelu(x, approximate="tanh"), shape)
    case("silu", F.silu, shape)
    case("elu", F.elu, shape)
    case("leaky_relu", lambda x: F.leaky_relu(x, 0.1), shape)
    case("softplus", F.softplus, shape)


def attention():
    def heads(v, n):
        t, m, d = v.shape
        return v.reshape(t, m, n, d // n).transpose(1, 2)

    def f(q, k, v):
        o = F.scaled_dot_product_attention(heads(q, 2), heads(k, 2), heads(v, 2))
        return o.transpose(1, 2).reshape(q.shape[0], q.shape[1], v.shape[2])

    case("attention", f, (2, 3, 4), (2, 2, 4), (2, 2, 6))


def solves():
    def f(m, b):  # symmetric and well conditioned by construction
        return torch.linalg.solve(m.transpose(1, 2) @ m + torch.eye(3), b)

    case("spd_solve", f, (2, 4, 3), (2, 3, 2))


def adapted_loss(first_order):
    """Loss on queries after two steps of gradient descent on the support set, as a function of the weights (MAML)."""

    def net(x, w1, w2):
        return torch.tanh(x @ w1) @ w2

    def f(w1, w2, xs, ys, xq, yq):
        w = [w1.expand(2, -1, -1), w2.expand(2, -1, -1)]
        for _ in range(2):
            loss = ((net(xs, *w) - ys) ** 2).mean(-1).mean(1).sum()
            g = torch.autograd.grad(loss, w, create_graph=True)
            w = [a - 0.3 * (b.detach() if first_order else b) for a, b in zip(w, g)]
        return ((net(xq, *w) - yq) ** 2).mean(-1).mean(1)

    return f


def maml():
    rng = np.random.default_rng(1)
    data = [normal(rng, s) for s in [(2, 4, 3), (2, 4, 2), (2, 5, 3), (2, 5, 2)]]
    case("maml", adapted_loss(False), (1, 3, 5), (1, 5, 2), *data)
    case("maml_first_order", adapted_loss(True), (1, 3, 5), (1, 5, 2), *data)


def training():
    """Twenty steps of a small convolutional net by gradient descent with momentum: the loss before each step."""
    rng = np.random.default_rng(2)
    x, k, w = normal(rng, (1, 6, 6, 6, 1)), normal(rng, (1, 3, 3, 1, 4)), normal(rng, (1, 36, 3))
    k, w = (k * 0.3).requires_grad_(), (w * 0.1).requires_grad_()
    label = torch.tensor([0, 1, 2, 0, 1, 2])
    start = [k.detach().clone(), w.detach().clone()]
    speed, curve = [torch.zeros_like(k), torch.zeros_like(w)], []
    for _ in range(20):
        a = each_task(lambda v, f: F.max_pool2d(F.relu(F.conv2d(v, f.permute(3, 2, 0, 1), padding=1)), 2), x, k)
        loss = F.cross_entropy(a.reshape(6, 36) @ w[0], label)
        curve.append(loss.detach())
        g = torch.autograd.grad(loss, [k, w])
        with torch.no_grad():
            for p, v, d in zip([k, w], speed, g):
                v.mul_(0.9).add_(d)
                p.sub_(0.1 * v)
    with open_file("training") as file:
        put(file, "x", x, 6)
        put(file, "k", start[0], 12)
        put(file, "w", start[1], 12)
        put(file, "label", label.double(), 6)
        put(file, "curve", torch.stack(curve), 12)
        put(file, "k_after", k, 12)


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    for part in (convolutions, pools, norms, losses, activations, attention, solves, maml, training):
        part()
