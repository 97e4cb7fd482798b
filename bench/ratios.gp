# SPDX-License-Identifier: Apache-2.0
# results.dat (case; ratio, lower and upper quartile for each of `precisions`) as results.svg
set terminal svg size 900,640 font "sans,12" background "white"
set output "results.svg"
set title sprintf("Time of the fastest peer over ours, %d threads", threads)
set style data histograms
set style histogram errorbars gap 1 lw 1
set style fill solid 0.85 noborder
set ylabel "times as fast"
set logscale y 2
set yrange [0.125:*]
set grid ytics lt 1 lc rgb "#dddddd"
set xtics rotate by -50 nomirror
set key top left
set arrow from graph 0, first 1 to graph 1, first 1 nohead lw 1.5 lc rgb "#444444"
plot for [i = 1:words (precisions)] "results.dat" using (column (3 * i - 1)):(column (3 * i)):(column (3 * i + 1)):xtic(1) \
  title word (precisions, i) lc rgb word ("#2f6f9f #d98032", i)
