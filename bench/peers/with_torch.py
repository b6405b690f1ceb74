# SPDX-License-Identifier: Apache-2.0
"""PyTorch's side of a training step: threads, Adam, clipping, and the three figures of the check."""
import os

import protocol


def start(variants, workloads):
    """Options; the number of threads is set before the first operation."""
    options = protocol.arguments(variants, workloads)
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(options.threads)
    import torch
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    protocol.START_MB = protocol.peak_mb()
    return options


def parameters(arrays):
    import torch
    return {k: torch.from_numpy(v.copy()).requires_grad_() for k, v in arrays.items()}


def train(options, p, loss_of, clip=0.0):
    """Serves the training step of loss_of(), a closure over the leaves in p (name -> tensor)."""
    import torch
    leaves = list(p.values())
    adam = torch.optim.Adam(leaves, lr=protocol.RATE_CHECKED, fused=True)

    def gradient_norm():
        return torch.stack([v.grad.double().square().sum() for v in leaves]).sum().sqrt()

    def step():
        adam.zero_grad(set_to_none=True)
        loss = loss_of()
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(leaves, clip)
        adam.step()
        return loss

    def check():
        loss = loss_of()
        loss.backward()
        norm = gradient_norm().item()
        figures = {"loss": step().item(), "gradient_norm": norm, "next_loss": step().item()}
        for group in adam.param_groups:
            group["lr"] = protocol.RATE_TIMED
        return figures

    protocol.serve("torch", options, check, step)


def compiled_gradient(loss_func, p, task):
    """loss_func(p, *task) as a function of nothing, its gradient compiled. The gradient is taken inside: a compiled
    function's own backward is not differentiable twice, torch.func's is."""
    import torch
    gradient_and_loss = torch.compile(torch.func.grad_and_value(loss_func), dynamic=False)

    class Function(torch.autograd.Function):
        """The compiled gradient as that of the loss."""
        @staticmethod
        def forward(context, *leaves):
            gradient, loss = gradient_and_loss(dict(zip(p, leaves)), *task)
            context.gradient = tuple(gradient.values())
            return loss

        @staticmethod
        def backward(context, cotangent):
            return context.gradient  # the cotangent of a loss is 1

    return lambda: Function.apply(*p.values())


def conv4_weights(inputs, channels):
    """Filters in channels-last memory, gains and shifts of a Conv4, as leaves."""
    import torch
    import numbers_of as n
    p = {}
    for k, i in enumerate(inputs, 1):
        w = n.he(f"conv{k}.w", (3, 3, i, channels)).transpose(3, 0, 1, 2).copy()
        p[f"conv{k}.w"] = torch.from_numpy(w).permute(0, 3, 1, 2).requires_grad_()
        p[f"norm{k}.gain"] = torch.from_numpy(n.reals(f"norm{k}.gain", (channels,), 0.1, 1.0)).requires_grad_()
        p[f"norm{k}.shift"] = torch.from_numpy(n.small(f"norm{k}.shift", (channels,))).requires_grad_()
    return p


def maybe_compiled(options, function):
    """The function itself, or compiled for the variants whose name says so."""
    import torch
    return torch.compile(function, dynamic=False) if "compile" in options.variant else function
