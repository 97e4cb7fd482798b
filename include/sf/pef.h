/* SPDX-License-Identifier: Apache-2.0 */
/* PEF: the file that the compiler writes and a session runs. docs/pef.md has its layout. */
#ifndef SF_PEF_H
#define SF_PEF_H

#include <sf/graph.h>
#include <sf/plugin/arch.h>
#include <sf/plugin/program.h>

SF_BEGIN_DECLS

/* A verified PEF, in memory or mapped; immutable, reference-counted, any thread. */
typedef struct SfPef SfPef;

/* Packs source graphs (NULL: stripped), program and machine. The same input gives the same bytes.
 * `facts` are those of `source`. Owned. */
SF_API SfPef *sf_pef_build (const SfModule *source, const SfProgram *program, const SfArch *arch,
                            GError **error);
/* Maps a file and verifies everything: header, bounds, digest, graphs, program, placement, routes,
 * memory plan. */
SF_API SfPef *sf_pef_open (const char *path, GError **error);
/* The same for bytes in memory, which are copied. */
SF_API SfPef *sf_pef_from_bytes (const void *data, size_t n_bytes, GError **error);
SF_API SfPef *sf_pef_ref (SfPef *pef);
SF_API void sf_pef_unref (SfPef *pef);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfPef, sf_pef_unref)

/* Writes it whole or not at all. */
SF_API bool sf_pef_save (const SfPef *pef, const char *path, GError **error);
SF_API const uint8_t *sf_pef_data (const SfPef *pef, size_t *n_bytes);
/* A PEF without source graphs and debug map: what a device needs. Owned. */
SF_API SfPef *sf_pef_strip (const SfPef *pef, GError **error);

/* All borrowed. */
SF_API const SfModule *sf_pef_source (const SfPef *pef); /* NULL when stripped */
SF_API const SfProgram *sf_pef_program (const SfPef *pef);
SF_API const SfArch *sf_pef_arch (const SfPef *pef);
SF_API const char *sf_pef_fact (const SfPef *pef, const char *key); /* NULL */
SF_API const char *const *sf_pef_fact_keys (const SfPef *pef);      /* sorted, NULL-terminated */
SF_API const char *sf_pef_digest (const SfPef *pef);                /* of the file, 32 hex digits */
SF_API const char *sf_pef_graph_digest (
    const SfPef
        *pef); /* of the train (else eval) source graph; kept when stripped; checkpoints carry it */
SF_API const char *sf_pef_name (const SfPef *pef); /* of the file, or the module */

/* What it holds, for people (facts, memory, entries, sections with placement) and, complete, as one JSON object. Owned: g_free. */
SF_API char *sf_pef_describe_text (const SfPef *pef);
SF_API char *sf_pef_describe_json (const SfPef *pef);

SF_END_DECLS
#endif
