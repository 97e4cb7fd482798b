/* SPDX-License-Identifier: Apache-2.0 */
/* What the patterns of pass compose share: walking back through a graph, and what a match has
 * found.
 */
#ifndef SF_PASS_COMPOSE_MATCH_H
#define SF_PASS_COMPOSE_MATCH_H

#include <sf/plugin/pass.h>

#define MATCH_MAX_NODES 64
#define MATCH_MAX_MASKS 4

/* A match in the making: the nodes that one composite would take the place of. */
typedef struct
{
  const SfGraph *graph;
  bool training;
  size_t n;
  SfNode node[MATCH_MAX_NODES]; /* the root is the first */
} Match;

/* Something that is added to the scores of an attention. */
typedef struct
{
  SfValue value;
  SfValue where; /* SF_NONE, or a condition: added only where it is `hides` */
  bool hides;
  SfShape view; /* rank 0, or [b,w,h,S,T] that value broadcasts to, when the scores are [b w,h,S,T]
                 */
} Mask;

/* What the replacement is built from: values of the old graph and attributes. */
typedef struct
{
  SfValue x, gamma, beta; /* layer_norm, gelu; gamma, beta may be SF_NONE */
  int axis;
  double eps;
  bool tanh;
  SfValue q, k, v;             /* attention */
  bool k_turned;               /* k is [.., D, T] */
  int64_t k_perm[SF_MAX_RANK]; /* to be applied to k where k_rank > 0 */
  int k_rank;
  double scale;
  bool causal;
  Mask mask[MATCH_MAX_MASKS];
  size_t n_masks;
} Found;

typedef struct
{
  const char *name; /* of the composite */
  bool (*match) (Match *m, SfNode root, Found *found);
  /* The value in `to` that replaces the root's output; `map` goes from old values to new ones. */
  SfValue (*build) (SfGraph *to, const SfGraph *from, const Found *found, const SfValue *map,
                    GError **error);
} Pattern;

extern const Pattern compose_attention, compose_layer_norm, compose_gelu;

/* The node that computes `value`, taken into the match, if it is an `op`; SF_NONE otherwise. */
SfNode match_take (Match *m, SfValue value, const char *op);
/* The same without taking it. */
SfNode match_producer (const Match *m, SfValue value, const char *op);
void match_take_node (Match *m, SfNode node);
/* Whether the value is one number, known now. */
bool match_number (const Match *m, SfValue value, double *number);
/* Whether it is `wanted`, as near as its dtype can come. */
bool match_is_number (const Match *m, SfValue value, double wanted);
bool match_near (const Match *m, SfValue value, double found, double wanted);
/* mul or div of a value by a number: takes the node; the value and the factor. */
bool match_scaled (Match *m, SfValue value, SfValue *inner, double *factor);
SfValue match_input (const Match *m, SfNode node, size_t index);
/* Whether nothing outside the match reads what its nodes but the root compute. */
bool match_is_closed (const Match *m);

#endif
