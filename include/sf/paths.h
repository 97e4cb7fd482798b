/* SPDX-License-Identifier: Apache-2.0 */
/* Where the files that come with Spatialflow lie. */
#ifndef SF_PATHS_H
#define SF_PATHS_H

#include <sf/export.h>

SF_BEGIN_DECLS

/* Path of an installed data file ("etc/arch/sn10.cfg", "apps/digits/model.cfg"): below $SF_DATA_DIR when that is set, else below
 * the installed data folder. Does not look whether it exists. Owned by the caller: g_free. */
SF_API char *sf_data_path (const char *relative);

SF_END_DECLS
#endif
