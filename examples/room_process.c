/* SPDX-License-Identifier: Apache-2.0 */
/* room_process.c: an environment in a process of its own (gossamer/env_process.h), without any library: a room whose
 * walls leak, and a heater.
 *
 *     gossamer train env.name=process env.command=./room_process run.dir=room ppo.discount=0.9 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static struct room { double warmth, leak, heat; } rooms[65536];

int main(void) {
    char what[16];
    int count, life, lives;
    double seed, power;
    if (scanf("gossamer-env 1 %d", &lives) != 1 || lives > 65536) return printf("error at most 65536 lives\n"), 1;
    printf("name A room with a heater\nobservation 1\ncontrols 1\nhorizon 25\nepisodes 2\n");
    printf("parameter leak 0.05 0.3 0 1\nparameter heat 1 3 0 10\nready\n");
    fflush(stdout);
    while (scanf("%15s %d", what, &count) == 2) {
        for (; count > 0; count--) {
            if (scanf("%d", &life) != 1 || life < 0 || life >= lives) return 1;
            struct room *r = &rooms[life];
            if (*what == 'r') {
                if (scanf("%lf %lf %lf", &seed, &r->leak, &r->heat) != 3) return 1;
                r->warmth = 5 + 10 * fmod(seed, 1000) / 1000;
                printf("%.9g\n", r->warmth);
            } else {
                if (scanf("%lf", &power) != 1) return 1;
                r->warmth += (power + 1) / 2 * r->heat - r->leak * r->warmth;
                printf("%.9g 0 %.9g\n", -fabs(r->warmth - 8), r->warmth);
            }
        }
        fflush(stdout);
    }
    return 0;
}
