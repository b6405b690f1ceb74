#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An environment in a process of its own (include/gossamer/env_process.h): a room whose walls leak, and a heater.

gossamer train env.name=process env.command='python3 room_process.py' run.dir=room ppo.discount=0.9"""
import random
import sys

sys.stdin.readline()
print("name A room with a heater\nobservation 1\ncontrols 1\nhorizon 25\nepisodes 2")
print("parameter leak 0.05 0.3 0 1\nparameter heat 1 3 0 10\nready", flush=True)


class Room:
    def reset(self, seed, leak, heat):
        self.random, self.leak, self.heat = random.Random(seed), leak, heat
        self.warmth = 5 + 10 * self.random.random()

    def step(self, power):
        self.warmth += (power + 1) / 2 * self.heat - self.leak * self.warmth + self.random.gauss(0, 0.1)


rooms = {}
for line in sys.stdin:
    what, count = line.split()
    for _ in range(int(count)):
        life, *numbers = sys.stdin.readline().split()
        room = rooms.setdefault(life, Room())
        if what == "reset":
            room.reset(int(numbers[0]), *map(float, numbers[1:]))
            print(room.warmth)
        else:
            room.step(float(numbers[0]))
            print(-abs(room.warmth - 8), 0, room.warmth)
    sys.stdout.flush()
