/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of SfConfigNode, shared by the files that read and bind configs. */
#ifndef SF_CORE_BASE_CONFIG_NODE_H
#define SF_CORE_BASE_CONFIG_NODE_H

#include <sf/config.h>

#include <libconfig.h>

/* The value of a number or a boolean that a string stands for. */
typedef struct
{
  int64_t integer; /* INT, BOOL */
  double number;   /* INT, FLOAT */
} SfConfigBound;

struct SfConfigNode
{
  SfConfig *config;
  config_setting_t *setting;
  SfConfigType value_type; /* that of the setting, or of what it is bound to */
  SfConfigBound *bound;    /* NULL: the setting says it itself */
  SfConfigNode *children;  /* n_children of them */
  size_t n_children;
  bool known;       /* a getter asked for it */
  GPtrArray *asked; /* groups: every key asked for, present or not; NULL before the first */
  char *where;      /* on demand */
};

#endif
