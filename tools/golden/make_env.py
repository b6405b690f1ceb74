#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/env/gymnasium.txt: transitions of Gymnasium's classic control environments, each line

    name  action  state...  :  next state...  reward  terminated

with all digits of the doubles that the environments keep inside. usage: make_env.py > gymnasium.txt (gymnasium 1.x)"""
import sys
import gymnasium
import numpy as np

print("# Gymnasium", gymnasium.__version__, "(tools/golden/make_env.py)")
rng = np.random.default_rng(7)


def text(numbers):
    return " ".join(repr(float(x)) for x in numbers)


def record(name, own, action, set_state, get_state):
    env = gymnasium.make(name).unwrapped
    env.reset(seed=1)
    for start in range(12):
        state = set_state(env, start)
        for _ in range(6):
            a = action()
            before = get_state(env)
            _, reward, terminated, _, _ = env.step(a)
            shown = float(np.asarray(a).reshape(-1)[0])
            print(own, repr(shown / 2 if own == "pendulum" else shown), text(before), ":", text(get_state(env)),
                  repr(float(reward)), int(terminated))
            if terminated:
                break


def spread(env, sizes):
    env.state = np.array([rng.uniform(-s, s) for s in sizes])
    if hasattr(env, "steps_beyond_terminated"):
        env.steps_beyond_terminated = None


record("CartPole-v1", "cartpole", lambda: int(rng.integers(2)), lambda e, i: spread(e, (2.3, 2, .2, 2)),
       lambda e: list(e.state))
record("MountainCar-v0", "mountaincar", lambda: int(rng.integers(3)),
       lambda e, i: setattr(e, "state", (-1.15 if i == 0 else .48 if i == 1 else rng.uniform(-1.2, .5),
                                         rng.uniform(-.07, .07))), lambda e: list(e.state))
record("Acrobot-v1", "acrobot", lambda: int(rng.integers(3)), lambda e, i: spread(e, (3.1, 3.1, 6, 12)),
       lambda e: list(e.state))
record("Pendulum-v1", "pendulum", lambda: np.array([float(np.float32(rng.uniform(-2, 2)))]),
       lambda e, i: spread(e, (6, 8)), lambda e: list(e.state))
