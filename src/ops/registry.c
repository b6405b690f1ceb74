/* registry.c: all operations, for the tests that walk them. A new structural op adds its line here and in ops.h. */
#include "ops/ops.h"

const goss__op *const goss__op_all[] = {&goss__op_input,          &goss__op_param,         &goss__op_const,
                                        &goss__op_extent,         &goss__op_iota,          &goss__op_assign,
                                        &goss__op_assign_rows,
#define ROW(name, arity, formula, va, vb, vc) &goss__op_ew[GOSS__EW_##name],
#include "kernel/elementwise.def"
#undef ROW
                                        &goss__op_detach,         &goss__op_variable,      &goss__op_broadcast,     &goss__op_reshape,
                                        &goss__op_permute,        &goss__op_slice,         &goss__op_pad,
                                        &goss__op_concat,         &goss__op_sum,           &goss__op_reduce_max,
                                        &goss__op_matmul,         &goss__op_spd_solve,     &goss__op_log_det,
                                        &goss__op_singular,       &goss__op_singular_values, &goss__op_singular_vectors,
                                        &goss__op_gram_root,      &goss__op_lyapunov,      &goss__op_mirror_lower,
                                        &goss__op_fold_lower,     &goss__op_conv,          &goss__op_conv_dx,
                                        &goss__op_conv_dw,        &goss__op_pool_argmax,   &goss__op_pool_gather,
                                        &goss__op_pool_scatter,   &goss__op_window_sum,    &goss__op_window_spread,
                                        &goss__op_gather,         &goss__op_scatter_add,   &goss__op_one_hot,
                                        &goss__op_random_uniform, &goss__op_random_normal, NULL};
