# SPDX-License-Identifier: Apache-2.0
"""Recordings, weights and the front end's tables of bench/bench_speech.c, for both frameworks."""
import numpy as np

import numbers_of as n

RATE, CLIP, WAYS, SHOTS, QUERY_HZ = 16000, 8000, 10, 5, 317
FFT, WINDOW, HOP, MELS, LOW = 512, 400, 160, 40, 50.0
FRAMES, COEFFICIENTS, RANGE, TRIM = 32, 20, 80.0, 40.0
CHANNELS = (1, 48, 64, 96)
RIDGE, SCALE, EPSILON = 1.0, 10.0, 1e-5


def sound(name, hz):
    """Two tones that swell and fade within noise."""
    edge = CLIP // 10
    i = np.arange(edge, CLIP - edge)
    t, swell = i / RATE, np.sin(np.pi * (i - edge) / (CLIP - 2 * edge))
    tones = swell * swell * (0.3 * np.sin(2 * np.pi * hz * t) + 0.1 * np.sin(2 * np.pi * 2.5 * hz * t))
    out = n.reals(name, (CLIP,), 1e-3)
    out[edge:CLIP - edge] += tones.astype(np.float32)
    return out


def clips():
    """The support set [50, CLIP], sorted by word, and a query [1, CLIP]."""
    support = [sound(f"clip{i}", 200 * (1 + i // SHOTS) + 15 * (i % SHOTS)) for i in range(WAYS * SHOTS)]
    return np.stack(support), sound("query", QUERY_HZ)[None]


def to_mel(hz):
    return np.where(hz < 1000, hz / (200 / 3), 15 + np.log(np.maximum(hz, 1) / 1000) / (np.log(6.4) / 27))


def to_hz(mel):
    return np.where(mel < 15, mel * (200 / 3), 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def tables():
    """The periodic Hann window [WINDOW], the bands [bins, MELS] (Slaney's scale and areas), the cosine transform
    [MELS, COEFFICIENTS]."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    edges = to_hz(np.linspace(to_mel(np.float64(LOW)), to_mel(np.float64(RATE / 2)), MELS + 2))
    hz = np.arange(FFT // 2 + 1)[:, None] * RATE / FFT
    up = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(up, down)) * 2 / (edges[2:] - edges[:-2])
    k = np.arange(COEFFICIENTS)
    cosine = np.cos(np.pi * k * (2 * np.arange(MELS)[:, None] + 1) / (2 * MELS)) * np.sqrt(np.where(k, 2, 1) / MELS)
    return {"window": window.astype(np.float32), "bands": bands.astype(np.float32), "cosine": cosine.astype(np.float32)}


def weights():
    """Convolutions [3, 3, in, out] and their norms, with running statistics as they begin."""
    p = {}
    for i, (inputs, outputs) in enumerate(zip(CHANNELS, CHANNELS[1:]), 1):
        p[f"conv{i}.w"] = n.he(f"conv{i}.w", (3, 3, inputs, outputs))
        p[f"norm{i}.gain"] = n.reals(f"norm{i}.gain", (outputs,), 0.1, 1.0)
        p[f"norm{i}.shift"] = n.small(f"norm{i}.shift", (outputs,))
        p[f"norm{i}.mean"], p[f"norm{i}.var"] = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
    return p


def labels():
    return np.eye(WAYS, dtype=np.float32)[np.arange(WAYS * SHOTS) // SHOTS]


def figures(log_mel, mfcc, probabilities):
    """What must agree: recordings in decibels [50, 51, MELS] and as samples [50, FRAMES, COEFFICIENTS], both weighted
    by numbers of 0 to 1, and the answer [WAYS] to the query."""
    def weighted(x):
        x = np.asarray(x, np.float64).reshape(len(x), -1)
        return float((x @ n.reals("probe", (x.shape[1],), 0.5, 0.5).astype(np.float64)).sum())
    p = np.asarray(probabilities, np.float64).reshape(-1)
    return {"log_mel": weighted((np.asarray(log_mel) + 100) / 20), "mfcc": weighted(mfcc),
            "log_probabilities": float(np.log(p).sum()), "squares": float((p * p).sum())}
