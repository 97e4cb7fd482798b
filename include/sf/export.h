/* SPDX-License-Identifier: Apache-2.0 */
/* Visibility and linkage of what the library exports. */
#ifndef SF_EXPORT_H
#define SF_EXPORT_H

#define SF_API __attribute__ ((visibility ("default")))

#ifdef __cplusplus
#define SF_BEGIN_DECLS extern "C" {
#define SF_END_DECLS }
#else
#define SF_BEGIN_DECLS
#define SF_END_DECLS
#endif

#endif
