/* SPDX-License-Identifier: Apache-2.0 */
/* TfIdfVectorizer. */
#ifndef SF_ONNX_TFIDF_H
#define SF_ONNX_TFIDF_H

#include "plugins/frontends/onnx/importer.h"

void onnx_tfidf (OnnxNode *node);

#endif
