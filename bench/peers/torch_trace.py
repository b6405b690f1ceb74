# SPDX-License-Identifier: Apache-2.0
"""The nuclear norm and its gradient in PyTorch: through its own singular values and their gradient, or by hand as an
expert would: U V' from one decomposition, of the matrix or of its inner products (in double, to be as exact)."""
import with_torch

options = with_torch.start(["gram-direct", "svd-direct", "svd-grad", "gram-grad"], ["trace-139x28", "trace-50x4096"])

import torch

import numbers_of as n
import protocol

SHAPE = tuple(int(v) for v in options.workload.split("-")[1].split("x"))
w = torch.from_numpy(n.reals("w", SHAPE, 1.0)).requires_grad_()
probe = torch.from_numpy(n.reals("probe", SHAPE, 1.0))
flat = SHAPE[0] <= SHAPE[1]


def svd_grad():
    value = torch.linalg.matrix_norm(w, "nuc")
    return value, torch.autograd.grad(value, w)[0]


def gram_grad():
    wide = w.double()
    values = torch.linalg.eigvalsh(wide @ wide.T if flat else wide.T @ wide).clamp(min=1e-12).sqrt()
    return values.sum(), torch.autograd.grad(values.sum(), w)[0]


@torch.no_grad()
def svd_direct():
    u, s, vh = torch.linalg.svd(w, full_matrices=False)
    return s.sum(), u @ vh


@torch.no_grad()
def gram_direct():
    wide = w.double()
    values, u = torch.linalg.eigh(wide @ wide.T if flat else wide.T @ wide)
    s = values.clamp(min=1e-12).sqrt()
    inverse = ((u / s) @ u.T).float()
    return s.sum(), inverse @ w if flat else w @ inverse


step = {"gram-direct": gram_direct, "svd-direct": svd_direct, "svd-grad": svd_grad,
        "gram-grad": gram_grad}[options.variant]


def check():
    value, grad = step()
    return {"value": value.item(), "squares": grad.double().square().sum().item(),
            "along": (grad.double() * probe).sum().item()}


protocol.serve("torch", options, check, step)
