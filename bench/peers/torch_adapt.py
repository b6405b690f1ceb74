# SPDX-License-Identifier: Apache-2.0
"""Workload (4) in PyTorch, inference mode. Variants -bf16: the generator's product in bfloat16, which rounds its
results, too."""
import with_torch

options = with_torch.start(["compile", "eager", "compile-bf16", "eager-bf16"], ["adapt", "adapt-bf16"])

import torch

import adapt_weights as a
import protocol


def generate(p, h):
    if p["generator.w"].dtype == torch.bfloat16:
        return (h.bfloat16() @ p["generator.w"]).float() + p["generator.b"]
    return torch.addmm(p["generator.b"], h, p["generator.w"])


def adapt(p, support, query):
    h = torch.relu(torch.addmm(p["image.b"], support, p["image.w"]))
    h = h.view(a.WAYS, a.SHOTS, a.WIDTH).mean(1).view(1, -1)
    h = torch.relu(torch.addmm(p["set.b"], h, p["set.w"]))
    w = generate(p, h).view(-1)
    w1, b1, w2, b2 = w.split([a.PIXELS * a.HIDDEN, a.HIDDEN, a.HIDDEN * a.WAYS, a.WAYS])
    h = torch.relu(torch.addmm(b1, query, w1.view(a.PIXELS, a.HIDDEN)))
    return torch.softmax(torch.addmm(b2, h, w2.view(a.HIDDEN, a.WAYS)), -1)


p = {k: torch.from_numpy(v) for k, v in a.weights(options.workload).items()}
if options.variant.endswith("bf16"):
    p["generator.w"] = p["generator.w"].bfloat16()
support, query = map(torch.from_numpy, a.images())
run = with_torch.maybe_compiled(options, adapt)


def check():
    probability = run(p, support, query)
    return {"probability": probability[0, 0].item(), "squares": probability.square().sum().item()}


with torch.inference_mode():
    protocol.serve("torch", options, check, lambda: run(p, support, query))
