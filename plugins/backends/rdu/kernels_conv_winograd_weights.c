/* SPDX-License-Identifier: Apache-2.0 */
/* Weights as Winograd's convolution multiplies by them: G g G' of each pair of channels, where the
 * rows of G are (1, 0, 0), (1, 1, 1) / 2, (1, -1, 1) / 2 and (0, 0, 1). */
#include "plugins/backends/rdu/kernels_conv_winograd.h"
#include "plugins/backends/rdu/kernels_panel.h"
#include "plugins/backends/rdu/kernels_transpose.h"

#define VL   RDU_VECTOR
#define TAPS 9
/* Squares of VL x VL that hold the taps of VL pairs of channels. */
#define SQUARES ((TAPS + VL - 1) / VL)

/* Taps of `n` <= VL result channels, a vector each; lanes without a channel are zero. */
static inline __attribute__ ((always_inline)) void
load_taps (const RduConvWeights *w, const float *from, int64_t n, RduVec taps[SQUARES * VL])
{
  if (w->column != 1 || w->row != 3)
    {
      float apart[TAPS][VL] = { { 0 } };
      for (int64_t i = 0; i < n; i++)
        for (int64_t t = 0; t < TAPS; t++)
          apart[t][i] = from[i * w->out + t / 3 * w->row + t % 3 * w->column];
      for (int t = 0; t < TAPS; t++)
        taps[t] = rdu_vec_load (apart[t]);
      return;
    }
#pragma GCC unroll 4
  for (int s = 0; s < SQUARES; s++)
    {
      RduLanes lanes = rdu_lanes (s < SQUARES - 1 ? VL : TAPS - s * VL);
      RduVec *square = taps + s * VL;
#pragma GCC unroll 16
      for (int i = 0; i < VL; i++)
        square[i] = i < n ? rdu_vec_load_lanes (from + i * w->out + s * VL, lanes)
                          : rdu_vec_zero ();
      rdu_vec_transpose (square);
    }
}

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
        RduVec taps[SQUARES * VL], rows[3][4], u[4];
        const float *from = w->data + (out + v) * w->out + (in + c) * w->in;
        load_taps (w, from, n_out - v, taps);
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
