// SPDX-License-Identifier: Apache-2.0
// atari_ale.cpp: gossamer-ale, a game of an installed Arcade Learning Environment as a process
// (gossamer/env_process.h): what atari.py is with the Python package, with the same protocol of observations and
// actions. A program of its own, since the library has no C interface and is under the GPL: nothing here is linked with
// libgossamer. cmake/ale.cmake builds it where the library is found.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <ale/ale_interface.hpp>

namespace {

constexpr int side = 84, stack = 4, skip = 4, longest = 27000;
using pixels = std::vector<unsigned char>;

// For each of `side` parts of a line of n pixels the pixels in it, and how much of each, in units in which a part is n:
// sums of grey values are integers, which atari.py has as well whatever multiplies its matrices.
struct Part {
    size_t first;
    std::vector<int> weight;
};

std::vector<Part> parts_of(int n) {
    std::vector<Part> parts;
    for (int i = 0; i < side; i++) {
        const int from = i * n, to = from + n;
        Part part{size_t(from / side), {}};
        for (int at = from / side; at * side < to; at++)
            part.weight.push_back(std::min(to, (at + 1) * side) - std::max(from, at * side));
        parts.push_back(part);
    }
    return parts;
}

struct Game {
    std::string rom;
    ale::ModeVect modes;
    ale::DifficultyVect difficulties;
    ale::ActionVect actions;
    int height = 0, width = 0;
    std::vector<Part> rows, columns;
};

class Life {
public:
    explicit Life(const Game &game) : game_(game), seen_(side * side * stack) {}

    void reset(double seed, double mode, double difficulty, double sticky) {
        ale_.setInt("random_seed", int(std::fmod(seed, 2147483647.0)));
        ale_.setFloat("repeat_action_probability", float(sticky));
        ale_.loadROM(game_.rom);
        ale_.setMode(game_.modes.at(size_t(mode)));
        ale_.setDifficulty(game_.difficulties.at(size_t(difficulty)));
        ale_.reset_game();
        const pixels first = small(grey());
        for (size_t i = 0; i < seen_.size(); i++) seen_[i] = first[i / stack];
    }

    // The larger of the last two of `skip` frames, behind the steps before.
    std::string step(size_t action) {
        pixels before, now;
        long reward = 0;
        for (int i = 0; i < skip && !ended(); i++) {
            reward += ale_.act(game_.actions.at(action));
            if (i == skip - 2) before = grey();
        }
        now = grey();
        for (size_t i = 0; i < before.size(); i++) now[i] = std::max(now[i], before[i]);
        const pixels next = small(now);
        for (size_t i = 0; i < next.size(); i++) {
            unsigned char *of = &seen_[i * stack];
            std::copy(of + 1, of + stack, of);
            of[stack - 1] = next[i];
        }
        return std::to_string(reward) + (ended() ? " 1 " : " 0 ");
    }

    std::string observation() const { return bytes(seen_); }

    std::string picture() {
        pixels screen;
        ale_.getScreenRGB(screen);
        std::string out = std::to_string(game_.height) + " " + std::to_string(game_.width) + "\n";
        return out.append(screen.begin(), screen.end());
    }

private:
    bool ended() { return ale_.game_over(false); }

    static std::string bytes(const pixels &p) {
        std::string out = std::to_string(p.size()) + "\n";
        return out.append(p.begin(), p.end());
    }

    pixels grey() {
        pixels screen;
        ale_.getScreenGrayscale(screen);
        return screen;
    }

    int sum(const unsigned char *screen, const Part &row, const Part &column) const {
        int all = 0;
        for (size_t r = 0; r < row.weight.size(); r++) {
            const unsigned char *line = screen + (row.first + r) * size_t(game_.width) + column.first;
            int of_line = 0;
            for (size_t c = 0; c < column.weight.size(); c++) of_line += column.weight[c] * line[c];
            all += row.weight[r] * of_line;
        }
        return all;
    }

    // Means over areas.
    pixels small(const pixels &screen) const {
        const float area = float(game_.height * game_.width);
        pixels out;
        out.reserve(side * side);
        for (const Part &row : game_.rows)
            for (const Part &column : game_.columns)
                out.push_back(
                    static_cast<unsigned char>(std::nearbyint(float(sum(screen.data(), row, column)) / area)));
        return out;
    }

    const Game &game_;
    ale::ALEInterface ale_;
    pixels seen_;
};

// The games of a folder, for messages.
std::string games_of(const std::filesystem::path &folder) {
    std::set<std::string> names;
    for (const auto &file : std::filesystem::directory_iterator(folder))
        if (file.is_regular_file() && file.path().extension() == ".bin") names.insert(file.path().stem().string());
    std::string out;
    for (const std::string &name : names) out += (out.empty() ? "It has " : ", ") + name;
    return out.empty() ? "It has no files *.bin" : out;
}

// The library ends the program over a file that is no cartridge, crashes over a folder, and plays any other bytes by
// the rules of the game that the file's name says.
void check(const std::filesystem::path &rom) {
    const std::filesystem::path folder = rom.has_parent_path() ? rom.parent_path() : ".";
    const std::string name = rom.stem().string(), shown = rom.string();
    if (!std::filesystem::is_directory(folder)) throw std::runtime_error("there is no folder " + folder.string());
    if (!std::filesystem::is_regular_file(rom))
        throw std::runtime_error("the folder of games has no file " + shown + ". " + games_of(folder));
    if (!std::ifstream(rom)) throw std::runtime_error(shown + " can not be read");
    const auto known = ale::ALEInterface::isSupportedROM(rom);
    if (!known)
        throw std::runtime_error(shown + " is not the ROM of a game that ale " GOSSAMER_ALE_VERSION
                                         " plays (by its MD5)");
    if (*known != name) throw std::runtime_error(shown + " is the game " + *known + ": name it " + *known + ".bin");
}

Game open(const std::string &rom) {
    check(rom);
    Game g;
    ale::ALEInterface first;
    first.loadROM(rom);
    g.rom = rom, g.modes = first.getAvailableModes(), g.difficulties = first.getAvailableDifficulties();
    g.actions = first.getMinimalActionSet();
    g.height = int(first.getScreen().height()), g.width = int(first.getScreen().width());
    g.rows = parts_of(g.height), g.columns = parts_of(g.width);
    return g;
}

void describe(const Game &g) {
    std::ostringstream out;
    out << "name " << std::filesystem::path(g.rom).stem().string() << "; its modes are";
    for (auto m : g.modes) out << " " << m;
    out << "; difficulties";
    for (auto d : g.difficulties) out << " " << d;
    out << "\nobservation " << side << " " << side << " " << stack << " bytes\nactions " << g.actions.size()
        << "\nhorizon " << longest << "\npicture\nparameter mode 0 0 0 " << g.modes.size() - 1
        << " whole\nparameter difficulty 0 0 0 " << g.difficulties.size() - 1
        << " whole\nparameter sticky 0.25 0.25 0 1\nready\n";
    std::cout << out.str() << std::flush;
}

void serve(const Game &g) {
    std::map<long, std::unique_ptr<Life>> lives;
    std::string line, what;
    while (std::getline(std::cin, line)) {
        long number = 0;
        std::istringstream(line) >> what >> number;
        if (what == "picture") {
            std::cout << lives.at(number)->picture() << std::flush;
            continue;
        }
        for (; number > 0 && std::getline(std::cin, line); number--) {
            std::istringstream words(line);
            long life = 0;
            double seed = 0, mode = 0, difficulty = 0, sticky = 0;
            words >> life;
            auto &it = lives[life];
            if (!it) it = std::make_unique<Life>(g);
            if (what == "reset") {
                words >> seed >> mode >> difficulty >> sticky;
                it->reset(seed, mode, difficulty, sticky);
            } else {
                words >> seed; // the action
                std::cout << it->step(size_t(seed));
            }
            std::cout << it->observation();
        }
        std::cout.flush();
    }
}

} // namespace

int main(int argc, char **argv) {
    std::ios::sync_with_stdio(false);
    std::string line;
    if (argc != 2 || !std::getline(std::cin, line)) return std::fprintf(stderr, "usage: gossamer-ale GAME.bin\n"), 2;
    try {
        ale::Logger::setMode(ale::Logger::Error);
        if (std::string(argv[1]) == "--version") {
            std::cout << "name " << GOSSAMER_ALE_VERSION << "\nobservation 1\nactions 2\nhorizon 1\nready" << std::endl;
            return 0;
        }
        const Game game = open(argv[1]);
        describe(game);
        serve(game);
    } catch (const std::exception &e) {
        std::cout << "error " << e.what() << std::endl;
    }
    return 0;
}
