# SPDX-License-Identifier: Apache-2.0
# results.dat (case, ratio in f32 with quartiles, ratio in bf16 with quartiles) as results.svg
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
plot "results.dat" using 2:3:4:xtic(1) title "f32" lc rgb "#2f6f9f", "" using 5:6:7 title "bf16" lc rgb "#d98032"
