#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/sound.txt: spectrograms of librosa for tests/test_sound.c.

    python3 tools/golden/sound.py        # needs librosa (values of version 0.11)

A line is: case, what it is, frame, and that frame's numbers. The waveform is a formula that the test has, too.
"""
import os

import librosa
import numpy as np

CASES = [  # name, rate, samples, fft, window, hop, mels, low, high, coefficients
    ("narrow", 8000, 4000, 256, 200, 80, 40, 50.0, 4000.0, 20),
    ("wide", 16000, 6000, 512, 400, 160, 64, 0.0, 8000.0, 13),
]


def wave(rate, n):
    """A chirp, a tone and noise (a linear congruential generator), and silence in its last fifth."""
    t = np.arange(n) / rate
    x = 0.5 * np.sin(2 * np.pi * (200 * t + 600 * t * t)) + 0.25 * np.sin(2 * np.pi * 1250 * t)
    state = 1
    for i in range(n):
        state = (state * 1103515245 + 12345) % 2**31
        x[i] += 0.02 * (state / 2**30 - 1)
    x[n - n // 5 :] = 0
    return x.astype(np.float32)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "../../tests/golden/sound.txt"), "w") as out:
        for name, rate, n, fft, window, hop, mels, low, high, coefficients in CASES:
            power = librosa.feature.melspectrogram(
                y=wave(rate, n), sr=rate, n_fft=fft, win_length=window, hop_length=hop, n_mels=mels, fmin=low, fmax=high
            )
            decibels = librosa.power_to_db(power)
            cepstra = librosa.feature.mfcc(S=decibels, n_mfcc=coefficients)
            for what, values in (("power", power), ("decibels", decibels), ("cepstra", cepstra)):
                for frame in range(0, values.shape[1], 7):
                    row = " ".join("%.7g" % v for v in values[:, frame])
                    print(name, what, frame, row, file=out)


main()
