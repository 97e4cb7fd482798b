/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as Winograd's convolution multiplies by them: G g G' of each pair of channels, where the
 * rows of G are (1, 0, 0), (1, 1, 1) / 2, (1, -1, 1) / 2 and (0, 0, 1). */
#include "plugins/backends/rdu/kernels_conv_taps.h"
#include "plugins/backends/rdu/kernels_conv_winograd.h"
#include "plugins/backends/rdu/kernels_panel.h"

#define VL RDU_VECTOR

/* (a, b, c) to four by G, but for the halves. */
static inline __attribute__ ((always_inline)) void
spread (RduVec a, RduVec b, RduVec c, RduVec to[4])
{
  const RduVec half = rdu_vec_all (&(const float){ 0.5F });
  to[0] = a;
  to[1] = ((a + c) + b) * half;
  to[2] = ((a + c) - b) * half;
  to[3] = c;
}

void
RDU_SYMBOL (rdu_winograd_weights) (const RduConvWeights *w, bool is_turned, int64_t out,
                                   int64_t n_out, int64_t in, int64_t n_in, float *to,
                                   int64_t plane)
{
  int64_t width = rdu_panel_width (n_out);
  for (int64_t v = 0; v < n_out; v += VL)
    for (int64_t c = 0; c < n_in; c++)
      {
        RduVec taps[RDU_CONV_TAP_VECTORS], rows[3][4], u[4];
        const float *from = w->data + (out + v) * w->out + (in + c) * w->in;
        rdu_conv_load_taps (w, from, n_out - v, taps);
#pragma GCC unroll 3
        for (int j = 0; j < 3; j++)
          if (is_turned)
            spread (taps[8 - j], taps[5 - j], taps[2 - j], rows[j]);
          else
            spread (taps[j], taps[3 + j], taps[6 + j], rows[j]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
          {
            spread (rows[0][i], rows[1][i], rows[2][i], u);
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++)
              rdu_vec_store (to + (4 * i + j) * plane + c * width + v, u[j]);
          }
      }
}
