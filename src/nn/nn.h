/* SPDX-License-Identifier: Apache-2.0 */
/* nn.h: shared by the files of nn. */
#ifndef GOSS_NN_NN_H
#define GOSS_NN_NN_H

#include "gossamer/nn.h"

/* Tensor i of the layout; the invalid value if it was never set. */
goss_val goss__weights_at(const goss_weights *w, int i);
goss_graph *goss__weights_graph(const goss_weights *w);
/* Whether both have the same tensors with the same shapes in the same order. */
bool goss__layout_same(const goss_layout *a, const goss_layout *b);
/* What a tensor without deviation starts from. */
double goss__entry_constant(const goss_entry *e);
/* Starting values [numel] of one tensor, as goss_layout_initialize has them in any layout. */
void goss__entry_initialize(const goss_entry *e, uint64_t seed, float *out);
/* Whether the features of a target are steps, for each of which its head answers. */
bool goss__target_answers_steps(const goss_target *t);
/* The steps that its features have, where they are a sequence; else 1. */
int64_t goss__target_steps(const goss_target *t);
/* x[T,N,L,C] with zeros behind its steps: [T,N,steps,C]; what has that many stays. */
goss_val goss__all_steps(goss_val x, int64_t steps);
/* The first steps of x [T,N,steps,C]: as many as `like` has. */
goss_val goss__first_steps(goss_val x, goss_val like);
/* Concatenation of any number of values along axis. parts is overwritten. */
goss_val goss__concat_many(goss_val *parts, int n, int axis);
#endif
