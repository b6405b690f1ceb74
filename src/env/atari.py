# SPDX-License-Identifier: Apache-2.0
"""A game of the Arcade Learning Environment as a process (include/gossamer/env_process.h). Machado et al. 2018: an
action is repeated with probability 0.25, a step is four frames, an episode ends with the game; Mnih et al. 2015: the
larger of the last two frames, grey, 84 x 84, the last four steps."""
import os
import sys

SIDE, STACK, SKIP, LONGEST = 84, 4, 4, 27000
write = sys.stdout.buffer.write


def fail(text):
    print("error", text, flush=True)
    sys.exit(0)


sys.stdin.readline()
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # products of 84 x 210 are too small to divide
try:
    import ale_py
    from ale_py import roms
    import numpy
except ImportError as e:
    fail(f"Atari games need the Python package ale-py ({sys.executable} -m pip install ale-py): {e}")
if sys.argv[1] == "--version":
    print(f"name {ale_py.__version__}\nobservation 1\nactions 2\nhorizon 1\nready", flush=True)
    sys.exit(0)
ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)


def part_of(pixels):
    """Rows [SIDE, pixels]: how much of each of a line of pixels belongs to each of SIDE, in units in which a row's sum
    is `pixels`. Sums of grey values by these are integers below 2^24, which a product has exactly in any order."""
    edge = numpy.arange(SIDE + 1) * pixels
    at = numpy.arange(pixels) * SIDE
    inside = numpy.minimum(edge[1:, None], at + SIDE) - numpy.maximum(edge[:-1, None], at)
    return numpy.maximum(inside, 0).astype(numpy.float32)


class Life:
    def __init__(self, rom):
        self.ale = ale_py.ALEInterface()
        self.rom, self.stack = rom, numpy.zeros((SIDE, SIDE, STACK), numpy.uint8)

    def reset(self, seed, mode=0, difficulty=0, sticky=0.25):
        ale = self.ale
        ale.setInt("random_seed", seed % (2**31 - 1))
        ale.setFloat("repeat_action_probability", sticky)
        ale.loadROM(self.rom)
        ale.setMode(modes[int(mode)])
        ale.setDifficulty(difficulties[int(difficulty)])
        ale.reset_game()
        self.stack[:] = self.seen(ale.getScreenGrayscale())[:, :, None]

    def seen(self, screen):
        """Means over areas."""
        sums = rows @ screen.astype(numpy.float32) @ columns
        return numpy.rint(sums / numpy.float32(screen.size)).astype(numpy.uint8)

    def step(self, action):
        reward, before = 0, None
        for i in range(SKIP):
            reward += self.ale.act(actions[action])
            if i == SKIP - 2:
                before = self.ale.getScreenGrayscale()
            if self.ale.game_over(with_truncation=False):
                break
        screen = self.ale.getScreenGrayscale()
        self.stack[:, :, :-1] = self.stack[:, :, 1:]
        self.stack[:, :, -1] = self.seen(screen if before is None else numpy.maximum(before, screen))
        return reward, int(self.ale.game_over(with_truncation=False))


try:
    if sys.argv[1] not in roms.get_all_rom_ids():
        raise LookupError("no such game")
    rom = roms.get_rom_path(sys.argv[1])
    if not ale_py.ALEInterface.isSupportedROM(rom):  # loading it would end this process
        raise LookupError("it has the file, but no rules for one player")
    first = Life(rom)
    first.ale.loadROM(rom)
except Exception as e:
    fail(f"ale-py has no game {sys.argv[1]}: {e}. It has {', '.join(sorted(roms.get_all_rom_ids()))}")
modes, difficulties = first.ale.getAvailableModes(), first.ale.getAvailableDifficulties()
actions = first.ale.getMinimalActionSet()
height, width = first.ale.getScreenDims()
rows, columns = part_of(height), part_of(width).T.copy()
print(f"name {sys.argv[1]}; its modes are {' '.join(map(str, modes))}; difficulties {' '.join(map(str, difficulties))}")
print(f"observation {SIDE} {SIDE} {STACK} bytes\nactions {len(actions)}\nhorizon {LONGEST}\npicture")
print(f"parameter mode 0 0 0 {len(modes) - 1} whole\nparameter difficulty 0 0 0 {len(difficulties) - 1} whole")
print("parameter sticky 0.25 0.25 0 1\nready", flush=True)

lives = {0: first}
for line in sys.stdin:
    what, number = line.split()
    if what == "picture":
        screen = lives[int(number)].ale.getScreenRGB()
        write(b"%d %d\n" % screen.shape[:2] + screen.tobytes())
    for _ in range(0 if what == "picture" else int(number)):
        life, *numbers = sys.stdin.readline().split()
        if int(life) not in lives:
            lives[int(life)] = Life(rom)
        it, head = lives[int(life)], b""
        if what == "reset":
            it.reset(int(numbers[0]), *map(float, numbers[1:]))
        else:
            head = b"%d %d " % it.step(int(numbers[0]))
        write(head + b"%d\n" % it.stack.size + it.stack.tobytes())
    sys.stdout.buffer.flush()
