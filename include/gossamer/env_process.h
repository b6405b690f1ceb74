/* SPDX-License-Identifier: Apache-2.0 */
/* env_process.h: environments (env.h) in processes of their own, in any language.
 *
 * The process reads requests from its standard input and answers on its standard output, in lines of words; what it
 * writes to standard error is passed on. One process has any number of lives, numbered from 0; an episode must depend
 * on its reset and on the actions since alone, so that results can be repeated.
 *
 *     request                            answer
 *     gossamer-env 1 LIVES               what the environment is, in lines as below, and then a line `ready`
 *     reset N, and N lines               N lines: the observation of the first state
 *         LIFE SEED PARAMETER ...
 *     step N, and N lines                N lines: REWARD END OBSERVATION, where END is 0 (the episode goes on), 1 (it
 *         LIFE ACTION ...                ended by itself) or 2 (it was cut off)
 *     picture LIFE                       HEIGHT WIDTH, and then HEIGHT * WIDTH * 3 bytes: red, green, blue
 *     (end of file)                      the process ends
 *
 *     name TEXT                          (optional) for messages
 *     observation N  |  H W C            numbers of an observation, or an image; then optionally `bytes` or `floats`
 *     actions N  |  controls N           an action is one of 0 .. N - 1, or N numbers in -1 .. 1
 *     horizon STEPS                      after which an episode is cut off
 *     episodes N                         (optional, 1) of a life
 *     parameter NAME LOW HIGH [LEAST MOST] [whole]    of the task: the standard range, and what may be set
 *     picture                            (optional) it answers `picture`
 *
 * PARAMETER are the task's numbers in the order of the `parameter` lines, SEED an integer below 2^53. With `bytes` an
 * observation is a line's last word, the number of its bytes, followed by that many raw bytes (each divided by 255);
 * with `floats` the same of 4-byte floats in the machine's order. An answer `error TEXT` ends the run with that text.
 * All answers to a request are to be flushed. An example in Python and one in C: examples/room_process.py and
 * examples/room_process.c.
 *
 * A process that ends, answers something else, or gives no whole answer for too long is an error that names life, task,
 * episode and step. Processes are always waited for; one that does not end when its input does is ended, with its
 * children. */
#ifndef GOSSAMER_ENV_PROCESS_H
#define GOSSAMER_ENV_PROCESS_H

#include <stddef.h>

#include "gossamer/env.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct goss_env_process_options {
    const char *command; /* of /bin/sh */
    int processes;       /* that lives are divided among (1) */
    double timeout;      /* seconds without an answer after which a process is given up (60) */
    const char *python;  /* of Atari: the program that has ale-py; NULL: GOSSAMER_PYTHON, or else python3 */
    /* Of Atari: the folder of an installed library's games, which GOSSAMER_ALE, or else gossamer-ale, plays in place of
     * ale-py; NULL: GOSSAMER_ROMS, unless python is set; neither: ale-py (NULL) */
    const char *roms;
} goss_env_process_options;
/* Defaults in brackets above. */
GOSS_API goss_env_process_options goss_env_process_defaults(void);

typedef struct goss_env_process goss_env_process;
/* Starts the command once and asks it what it is. Errors: GOSS_E_ARGUMENT: no command, a setting out of range;
 * GOSS_E_IO: it does not start, ends, is silent; GOSS_E_FORMAT: it does not keep to the protocol, with its line. Owns:
 * *out, goss_env_process_free, which must outlive families of its kind and their lives; copies the options. */
GOSS_API GOSS_MUST_USE goss_status goss_env_process_open(const goss_env_process_options *o, goss_env_process **out,
                                                         goss_error *err);
/* The same with a game of the Arcade Learning Environment (Bellemare et al. 2013; Machado et al. 2018), by the Python
 * package ale-py, which has the games, or by an installed library and GAME.bin in the folder `roms`. game: "Breakout"
 * or "breakout". The kind is named ale/GAME. Observations are the
 * last four frames of 84 x 84 grey pixels, a step is four frames of the game, and an action is repeated with
 * probability 0.25. Parameters: mode and difficulty (numbers in the game's lists) and sticky (that probability).
 * Errors: GOSS_E_UNSUPPORTED: neither is there, and what to do; GOSS_E_ARGUMENT: no such game, or options out of range;
 * GOSS_E_NOMEM. */
GOSS_API GOSS_MUST_USE goss_status goss_env_atari_open(const char *game, const goss_env_process_options *o,
                                                       goss_env_process **out, goss_error *err);
/* NULL is allowed. */
GOSS_API void goss_env_process_free(goss_env_process *p);
/* Kills all processes of environments that this program has started, with their children, and waits for none: for a
 * handler of a signal by which the program ends. One that answers nothing would go on otherwise; the others end with
 * their input. Threads: any; async-signal-safe. */
GOSS_API void goss_env_process_kill_all(void);
/* The kind that it is, borrowed. */
GOSS_API const goss_env_kind *goss_env_process_kind(const goss_env_process *p);
/* Whether Atari games can be played: the version of ale-py, or of the installed library, into out [size]. Errors:
 * GOSS_E_UNSUPPORTED: what to do. */
GOSS_API GOSS_MUST_USE goss_status goss_env_atari_version(const goss_env_process_options *o, char *out, size_t size,
                                                          goss_error *err);

#ifdef __cplusplus
}
#endif
#endif
