/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient rules and decompositions by op, as the op table's rows name them. */
#ifndef SF_CORE_IR_RULES_H
#define SF_CORE_IR_RULES_H

#include "core/ir/op.h"

#define SF_GRADIENT_RULE(op)  bool sf_grad_##op (SfGradient *gradient, GError **error)
#define SF_DECOMPOSE_RULE(op) bool sf_decompose_##op (SfDecompose *decompose, GError **error)
#define SF_EVAL_RULE(op)      bool sf_eval_##op (SfDecompose *eval, GError **error)

SF_GRADIENT_RULE (neg);
SF_GRADIENT_RULE (abs);
SF_GRADIENT_RULE (exp);
SF_GRADIENT_RULE (log);
SF_GRADIENT_RULE (sqrt);
SF_GRADIENT_RULE (rsqrt);
SF_GRADIENT_RULE (reciprocal);
SF_GRADIENT_RULE (sin);
SF_GRADIENT_RULE (cos);
SF_GRADIENT_RULE (tan);
SF_GRADIENT_RULE (asin);
SF_GRADIENT_RULE (acos);
SF_GRADIENT_RULE (atan);
SF_GRADIENT_RULE (sinh);
SF_GRADIENT_RULE (cosh);
SF_GRADIENT_RULE (tanh);
SF_GRADIENT_RULE (asinh);
SF_GRADIENT_RULE (acosh);
SF_GRADIENT_RULE (atanh);
SF_GRADIENT_RULE (sigmoid);
SF_GRADIENT_RULE (erf);
SF_GRADIENT_RULE (zero); /* sign, floor, ceil, round: gradient 0 everywhere it exists */
SF_GRADIENT_RULE (add);
SF_GRADIENT_RULE (sub);
SF_GRADIENT_RULE (mul);
SF_GRADIENT_RULE (div);
SF_GRADIENT_RULE (mod);
SF_GRADIENT_RULE (fmod);
SF_GRADIENT_RULE (pow);
SF_GRADIENT_RULE (max); /* ties: half to each, as PyTorch */
SF_GRADIENT_RULE (min);
SF_GRADIENT_RULE (select);
SF_GRADIENT_RULE (cast);
SF_GRADIENT_RULE (relu);
SF_GRADIENT_RULE (gelu);
SF_GRADIENT_RULE (reduce_sum);
SF_GRADIENT_RULE (reduce_max); /* ties: evenly shared, as PyTorch's amax */
SF_GRADIENT_RULE (reduce_min);
SF_GRADIENT_RULE (reduce_prod);
SF_GRADIENT_RULE (reduce_mean);
SF_GRADIENT_RULE (cumsum);
SF_GRADIENT_RULE (sort);
SF_GRADIENT_RULE (softmax);
SF_GRADIENT_RULE (log_softmax);
SF_GRADIENT_RULE (reshape);
SF_GRADIENT_RULE (transpose);
SF_GRADIENT_RULE (slice); /* pad, with concat or interleaving for steps > 1 by scatter_add */
SF_GRADIENT_RULE (concat);
SF_GRADIENT_RULE (pad);
SF_GRADIENT_RULE (broadcast);
SF_GRADIENT_RULE (matmul);
SF_GRADIENT_RULE (det);
SF_GRADIENT_RULE (linear);
SF_GRADIENT_RULE (attention);
SF_GRADIENT_RULE (unfold);
SF_GRADIENT_RULE (fold);
SF_GRADIENT_RULE (conv2d);
SF_GRADIENT_RULE (conv2d_dx);
SF_GRADIENT_RULE (max_pool2d);
SF_GRADIENT_RULE (avg_pool2d);
SF_GRADIENT_RULE (global_avg_pool);
SF_GRADIENT_RULE (gather);
SF_GRADIENT_RULE (scatter); /* set and add; where indices repeat, set's last one has the gradient */
SF_GRADIENT_RULE (scatter_add);
SF_GRADIENT_RULE (embedding);
SF_GRADIENT_RULE (dropout);
SF_GRADIENT_RULE (batch_norm);
SF_GRADIENT_RULE (batch_norm_infer);
SF_GRADIENT_RULE (layer_norm);
SF_GRADIENT_RULE (softmax_ce);
SF_GRADIENT_RULE (mse);

SF_DECOMPOSE_RULE (relu);
SF_DECOMPOSE_RULE (relu_bwd);
SF_DECOMPOSE_RULE (gelu);
SF_DECOMPOSE_RULE (gelu_bwd);
SF_DECOMPOSE_RULE (argmax);
SF_DECOMPOSE_RULE (reduce_mean);
SF_DECOMPOSE_RULE (softmax);
SF_DECOMPOSE_RULE (softmax_bwd);
SF_DECOMPOSE_RULE (log_softmax);
SF_DECOMPOSE_RULE (log_softmax_bwd);
SF_DECOMPOSE_RULE (linear);
SF_DECOMPOSE_RULE (attention);
SF_DECOMPOSE_RULE (attention_bwd);
SF_DECOMPOSE_RULE (unfold);
SF_DECOMPOSE_RULE (fold);
SF_DECOMPOSE_RULE (conv2d);
SF_DECOMPOSE_RULE (conv2d_dx);
SF_DECOMPOSE_RULE (conv2d_dw);
SF_DECOMPOSE_RULE (max_pool2d);
SF_DECOMPOSE_RULE (max_pool2d_bwd);
SF_DECOMPOSE_RULE (avg_pool2d);
SF_DECOMPOSE_RULE (avg_pool2d_bwd);
SF_DECOMPOSE_RULE (global_avg_pool);
SF_DECOMPOSE_RULE (embedding);
SF_DECOMPOSE_RULE (embedding_bwd);
SF_DECOMPOSE_RULE (dropout);
SF_DECOMPOSE_RULE (dropout_bwd);
SF_DECOMPOSE_RULE (batch_norm);
SF_DECOMPOSE_RULE (batch_norm_bwd);
SF_DECOMPOSE_RULE (batch_norm_infer);
SF_DECOMPOSE_RULE (layer_norm);
SF_DECOMPOSE_RULE (layer_norm_bwd);
SF_DECOMPOSE_RULE (layer_norm_dx);
SF_DECOMPOSE_RULE (softmax_ce);
SF_DECOMPOSE_RULE (softmax_ce_bwd);
SF_DECOMPOSE_RULE (mse);

SF_EVAL_RULE (dropout);
SF_EVAL_RULE (batch_norm);

#endif
