/* SPDX-License-Identifier: Apache-2.0 */
/* stop.h: whether a signal handler has requested a stop. Other threads read while the handler writes, hence an atomic
 * read: sig_atomic_t is atomic only with respect to the handler's own thread. */
#ifndef GOSS_BASE_STOP_H
#define GOSS_BASE_STOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* stop: NULL: never requested. */
static inline bool goss__stop_asked(const volatile sig_atomic_t *stop) {
    return stop && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0;
}
#endif
