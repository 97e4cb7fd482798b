/* SPDX-License-Identifier: Apache-2.0 */
/* Fusion rules: patterns of nodes as a file gives them, and the forms that each may take. */
#ifndef SF_PASS_FUSE_RULES_H
#define SF_PASS_FUSE_RULES_H

#include <sf/graph.h>

#define FUSE_PATTERN_NODES 64  /* most of a pattern: sets of them are the bits of a word */
#define FUSE_FORMS         256 /* most of a rule */
#define FUSE_MAX_NODES     1000

/* How the nodes that a pattern matched are treated. */
typedef enum
{
  FUSE_JOIN,  /* as few stages as the machine allows */
  FUSE_STAGE, /* one stage, or nothing */
  FUSE_GROW,  /* one stage that takes in neighbours as long as it may */
} FuseHeuristic;

/* A node of a pattern. */
typedef struct
{
  char *name;
  char *wanted;     /* op_type as written, for messages; NULL of a choice */
  GPtrArray *ops;   /* const SfOp * */
  unsigned classes; /* bits 1 << SfLowerClass */
  bool required, included;
  uint64_t children;
  GArray *options; /* of a choice (match_first_option): uint32_t in order; NULL otherwise */
} FusePatternNode;

/* A node of a form is found from one that was found before it. */
typedef struct
{
  uint32_t node; /* of the pattern */
  uint32_t from; /* of the pattern */
  bool feeds;    /* it feeds `from`; otherwise it reads it */
} FuseStep;

/* A pattern with its choices made and its optional nodes there or not. */
typedef struct
{
  uint64_t nodes;
  uint64_t children[FUSE_PATTERN_NODES];
  FuseStep steps[FUSE_PATTERN_NODES]; /* the first one is the seed */
  uint32_t n_steps;
} FuseForm;

typedef struct
{
  char *name;
  int64_t priority;
  FuseHeuristic heuristic;
  size_t max_nodes;
  GPtrArray *pattern; /* FusePatternNode */
  GPtrArray *forms;   /* FuseForm, the preferred first; of FUSE_GROW without the optional nodes */
  uint64_t before, after; /* FUSE_GROW: what the stage takes in above and below */
} FuseRule;

/* `path`: NULL for no rules; a name without '/' is looked for in etc/rules. Owned: FuseRule in the
 * order of application: highest priority first, then the order of the file. */
GPtrArray *fuse_rules_read (const char *path, GError **error);
/* Whether pattern node `index` stands for nodes like this one. */
bool fuse_rule_accepts (const FuseRule *rule, uint32_t index, const SfGraph *graph, SfNode node);
const FusePatternNode *fuse_rule_node (const FuseRule *rule, uint32_t index);

/* Fills rule->forms, before and after from the pattern. `where` opens messages. */
bool fuse_forms_build (FuseRule *rule, const char *where, GError **error);

#endif
