#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gymnasium's vector environments, and PPO with a recurrent policy in PyTorch on them: what bench/agents.py compares
with. The networks and the schedules are those of configs/cartpole.ini and configs/gridnavi.ini with
agent.policy=concat: a GRU of 64 units over observation, last action, reward and beginning of an episode; layers of 32
units for policy and value; 32 lives of 500 steps, or 256 of 60; 4 epochs of 4 minibatches. Prints
{"cartpole_steps":N,"gridnavi_steps":N,"cartpole_frames":N,"gridnavi_frames":N}, a second.

usage: torch_agents.py THREADS [ITERATIONS]"""
import json
import sys
import time

import gymnasium
import numpy as np
import torch

EPOCHS, PARTS, HIDDEN, UNITS = 4, 4, 64, 32


class GridNavi(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(0, 1, (10,))
    action_space = gymnasium.spaces.Discrete(5)

    def reset(self, seed=None, options=None):
        super().reset(seed=seed)
        goals = [c for c in range(25) if c not in (0, 1, 5, 6)]
        self.goal, self.at, self.step_number = goals[self.np_random.integers(len(goals))], [0, 0], 0
        return self.see(), {}

    def see(self):
        out = np.zeros(10, np.float32)
        out[self.at[0]] = out[5 + self.at[1]] = 1
        return out

    def step(self, action):
        dx, dy = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))[action]
        self.at = [min(4, max(0, self.at[0] + dx)), min(4, max(0, self.at[1] + dy))]
        self.step_number += 1
        reward = 1.0 if self.at[1] * 5 + self.at[0] == self.goal else -0.1
        return self.see(), reward, False, self.step_number >= 60, {}


def steps_a_second(env, count, steps=300):
    env.reset(seed=1)
    rates = []
    actions = [env.action_space.sample() for _ in range(steps)]
    for _ in range(5):
        begin = time.perf_counter()
        for action in actions:
            env.step(action)
        rates.append(count * steps / (time.perf_counter() - begin))
    return sorted(rates)[2]


class Policy(torch.nn.Module):
    def __init__(self, observations, actions):
        super().__init__()
        self.memory = torch.nn.GRU(observations + actions + 2, HIDDEN)
        self.policy = torch.nn.Sequential(torch.nn.Linear(observations + HIDDEN, UNITS), torch.nn.Tanh(),
                                          torch.nn.Linear(UNITS, actions))
        self.value = torch.nn.Sequential(torch.nn.Linear(observations + HIDDEN, UNITS), torch.nn.Tanh(),
                                         torch.nn.Linear(UNITS, 1))

    def forward(self, x, before, h, fresh):
        """x [L, N, O], fresh [L, N]: lives that begin have no memory. One step, or whole lives that begin together."""
        if x.shape[0] == 1:
            y, h = self.memory(torch.cat([x, before], -1), h * (1 - fresh)[..., None])
        else:  # pieces between beginnings would be slower; lives that fall early go on, as nothing depends on them here
            y, h = self.memory(torch.cat([x, before], -1), h)
        both = torch.cat([x, y], -1)
        return self.policy(both), self.value(both)[..., 0], h


def iterate(env, net, optimizer, steps, discount, bonus):
    lives, actions = env.num_envs, int(env.single_action_space.n)
    obs, _ = env.reset(seed=2)
    h, before = torch.zeros(1, lives, HIDDEN), torch.zeros(1, lives, actions + 2)
    fresh = torch.ones(1, lives)
    keep = {k: [] for k in "x before action log_p value reward done".split()}
    for _ in range(steps):
        x = torch.as_tensor(obs, dtype=torch.float32)[None]
        with torch.no_grad():
            logits, value, h = net(x, before, h, fresh)
            p = torch.distributions.Categorical(logits=logits, validate_args=False)
            action = p.sample()
        obs, reward, ended, cut, _ = env.step(action[0].numpy())
        done = torch.as_tensor(ended | cut, dtype=torch.float32)
        for k, v in zip(keep, (x, before, action, p.log_prob(action), value,
                               torch.as_tensor(reward, dtype=torch.float32)[None], done[None])):
            keep[k].append(v)
        one_hot = torch.nn.functional.one_hot(action, actions).float()
        before = torch.cat([one_hot, keep["reward"][-1][..., None], done[None, :, None]], -1)
        fresh = done[None]
    x, before, action, log_p, value, reward, done = (torch.cat(keep[k]) for k in keep)
    advantage, ahead = torch.zeros_like(reward), torch.zeros(lives)
    for t in reversed(range(steps)):
        after = value[t + 1] if t + 1 < steps else torch.zeros(lives)
        delta = reward[t] + discount * after * (1 - done[t]) - value[t]
        advantage[t] = ahead = delta + discount * 0.95 * (1 - done[t]) * ahead
    target = advantage + value
    for _ in range(EPOCHS):
        for part in torch.randperm(lives).chunk(PARTS):
            logits, v, _ = net(x[:, part], before[:, part], torch.zeros(1, len(part), HIDDEN), None)
            p = torch.distributions.Categorical(logits=logits, validate_args=False)
            ratio = (p.log_prob(action[:, part]) - log_p[:, part]).exp()
            a = advantage[:, part]
            a = (a - a.mean()) / (a.std() + 1e-8)
            gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a).mean()
            loss = -gain + 0.25 * (v - target[:, part]).square().mean() - bonus * p.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()


def frames_a_second(env, observations, iterations, *settings):
    steps = settings[0]
    net = Policy(observations, int(env.single_action_space.n))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    iterate(env, net, optimizer, *settings)
    rates = []
    for _ in range(iterations):
        begin = time.perf_counter()
        iterate(env, net, optimizer, *settings)
        rates.append(env.num_envs * steps / (time.perf_counter() - begin))
    return sorted(rates)[len(rates) // 2]


def main():
    threads, iterations = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(threads)

    def poles(count):
        return gymnasium.make_vec("CartPole-v1", num_envs=count, vectorization_mode="vector_entry_point")

    grids = gymnasium.vector.SyncVectorEnv([GridNavi for _ in range(256)])
    print(json.dumps({"cartpole_steps": steps_a_second(poles(1024), 1024),
                      "gridnavi_steps": steps_a_second(grids, 256, 60),
                      "cartpole_frames": frames_a_second(poles(32), 4, iterations, 500, 0.99, 0.005),
                      "gridnavi_frames": frames_a_second(grids, 10, iterations, 60, 0.98, 0.02)}))


main()
