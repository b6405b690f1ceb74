#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gymnasium's vector environments, and PPO with a recurrent policy in PyTorch on them: what bench/agents.py compares
with. The network and the schedule are those of configs/cartpole.ini with agent.policy=concat: a GRU of 64 units
over observation, last action, reward and beginning of an episode; layers of 32 units for policy and value; 32 lives of
500 steps, 4 epochs of 4 minibatches. Prints {"cartpole_steps":N,"gridnavi_steps":N,"cartpole_frames":N}, a second.

usage: torch_agents.py THREADS [ITERATIONS]"""
import json
import sys
import time

import gymnasium
import numpy as np
import torch

LIVES, STEPS, EPOCHS, PARTS, HIDDEN, UNITS = 32, 500, 4, 4, 64, 32


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


def iterate(env, net, optimizer):
    obs, _ = env.reset(seed=2)
    h, before = torch.zeros(1, LIVES, HIDDEN), torch.zeros(1, LIVES, 4 + 0)
    fresh = torch.ones(1, LIVES)
    keep = {k: [] for k in "x before action log_p value reward done".split()}
    for _ in range(STEPS):
        x = torch.as_tensor(obs, dtype=torch.float32)[None]
        with torch.no_grad():
            logits, value, h = net(x, before, h, fresh)
            p = torch.distributions.Categorical(logits=logits)
            action = p.sample()
        obs, reward, ended, cut, _ = env.step(action[0].numpy())
        done = torch.as_tensor(ended | cut, dtype=torch.float32)
        for k, v in zip(keep, (x, before, action, p.log_prob(action), value,
                               torch.as_tensor(reward, dtype=torch.float32)[None], done[None])):
            keep[k].append(v)
        one_hot = torch.nn.functional.one_hot(action, 2).float()
        before = torch.cat([one_hot, keep["reward"][-1][..., None], done[None, :, None]], -1)
        fresh = done[None]
    x, before, action, log_p, value, reward, done = (torch.cat(keep[k]) for k in keep)
    advantage, ahead = torch.zeros_like(reward), torch.zeros(LIVES)
    for t in reversed(range(STEPS)):
        after = value[t + 1] if t + 1 < STEPS else torch.zeros(LIVES)
        delta = reward[t] + 0.99 * after * (1 - done[t]) - value[t]
        advantage[t] = ahead = delta + 0.99 * 0.95 * (1 - done[t]) * ahead
    target = advantage + value
    for _ in range(EPOCHS):
        for part in torch.randperm(LIVES).chunk(PARTS):
            logits, v, _ = net(x[:, part], before[:, part], torch.zeros(1, len(part), HIDDEN), None)
            p = torch.distributions.Categorical(logits=logits)
            ratio = (p.log_prob(action[:, part]) - log_p[:, part]).exp()
            a = advantage[:, part]
            a = (a - a.mean()) / (a.std() + 1e-8)
            gain = torch.min(ratio * a, ratio.clamp(0.8, 1.2) * a).mean()
            loss = -gain + 0.25 * (v - target[:, part]).square().mean() - 0.005 * p.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()


def main():
    threads, iterations = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    torch.set_num_threads(threads)
    fast = gymnasium.make_vec("CartPole-v1", num_envs=1024, vectorization_mode="vector_entry_point")
    grids = gymnasium.vector.SyncVectorEnv([GridNavi for _ in range(256)])
    out = {"cartpole_steps": steps_a_second(fast, 1024), "gridnavi_steps": steps_a_second(grids, 256, 60)}
    env = gymnasium.make_vec("CartPole-v1", num_envs=LIVES, vectorization_mode="vector_entry_point")
    net = Policy(4, 2)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    iterate(env, net, optimizer)
    rates = []
    for _ in range(iterations):
        begin = time.perf_counter()
        iterate(env, net, optimizer)
        rates.append(LIVES * STEPS / (time.perf_counter() - begin))
    out["cartpole_frames"] = sorted(rates)[len(rates) // 2]
    print(json.dumps(out))


main()
