# SPDX-License-Identifier: Apache-2.0
"""bench/cold.py in PyTorch: prints the class probabilities as JSON."""
import json

import cold_input

w, support, query = cold_input.task()

import torch
import torch.nn.functional as F

w = {k: torch.from_numpy(v.copy()) for k, v in w.items()}


@torch.inference_mode()
def embed(x):
    x = torch.from_numpy(x).permute(0, 3, 1, 2)
    for k in range(1, 5):
        x = F.conv2d(x, w[f"target.conv{k}.w"].permute(3, 2, 0, 1), padding=1)
        x = F.batch_norm(x, w[f"running.norm{k}.mean"], w[f"running.norm{k}.var"], w[f"target.norm{k}.gain"],
                         w[f"target.norm{k}.shift"], eps=1e-5)
        x = F.max_pool2d(torch.relu(x), 2)
    return x.flatten(1)


means = embed(support).view(5, 5, -1).mean(1)
distance = (embed(query) - means).square().sum(1)
temperature = torch.exp(w["head.temperature"].flatten()[0]) / means.shape[1] ** 0.5
print(json.dumps(torch.softmax(-temperature * distance, 0).tolist()))
