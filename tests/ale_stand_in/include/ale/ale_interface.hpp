// SPDX-License-Identifier: Apache-2.0
// ale_interface.hpp: stands in for the Arcade Learning Environment in tools/check-ale: what gossamer-ale calls of it,
// for "games" that are files of one line `rom NAME`. Grey values are a formula of pixel, frame and settings, which count
// from loadROM on; the game ends with its tenth frame. Like the library it ends the program over any other file.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace ale {

using Action = int;
using ActionVect = std::vector<Action>;
using ModeVect = std::vector<unsigned>;
using DifficultyVect = std::vector<unsigned>;

struct Logger {
    enum mode { Info, Warning, Error };
    static void setMode(mode) {}
};

struct Screen {
    size_t height() const { return 210; }
    size_t width() const { return 160; }
};

class ALEInterface {
public:
    static std::optional<std::string> isSupportedROM(const std::filesystem::path &rom) {
        std::string word, name;
        std::ifstream(rom) >> word >> name;
        return word == "rom" ? std::optional(name) : std::nullopt;
    }

    void setInt(const std::string &, int value) { set_seed_ = value; }
    void setFloat(const std::string &, float value) { set_sticky_ = value; }
    void loadROM(const std::filesystem::path &rom) {
        if (!isSupportedROM(rom)) std::exit(1);
        seed_ = set_seed_, sticky_ = set_sticky_, mode_ = difficulty_ = 0, frame_ = 0;
    }
    void setMode(unsigned mode) { mode_ = mode; }
    void setDifficulty(unsigned difficulty) { difficulty_ = difficulty; }
    void reset_game() { frame_ = 0; }
    int act(Action action) { return frame_++, action; }
    bool game_over(bool with_truncation) const { return !with_truncation && frame_ >= 10; }

    ModeVect getAvailableModes() const { return {0, 5, 7}; }
    DifficultyVect getAvailableDifficulties() const { return {0, 3}; }
    ActionVect getMinimalActionSet() const { return {0, 11, 12}; }
    Screen getScreen() const { return {}; }
    void getScreenGrayscale(std::vector<unsigned char> &out) const {
        out.clear();
        for (int r = 0; r < 210; r++)
            for (int c = 0; c < 160; c++) out.push_back(static_cast<unsigned char>(grey(r, c)));
    }
    void getScreenRGB(std::vector<unsigned char> &out) const { out.assign(3 * 210 * 160, 'x'); }

private:
    int grey(int r, int c) const {
        return (7 * r + 3 * c + 50 * frame_ + seed_ + 10 * int(mode_) + 20 * int(difficulty_) + int(100 * sticky_)) % 256;
    }

    int set_seed_ = 0, seed_ = 0, frame_ = 0;
    unsigned mode_ = 0, difficulty_ = 0;
    float set_sticky_ = 0, sticky_ = 0;
};

} // namespace ale
