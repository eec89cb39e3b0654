# Draws what `load --plots DIR` has written: gnuplot -e "dir='DIR'" plot.gp
# DIR/use-SCENARIO.png: use of every node over time, a small plot per policy; DIR/imbalance.png.
if (!exists("dir")) dir = "."
players = 10
set terminal pngcairo size 1500,620 font "sans,9"
set grid lc rgb "#dddddd"
set autoscale xfix
set pointintervalbox 0
unset key
files = system("cd ".dir." && ls use-*.dat")
do for [file in files] {
	data = dir."/".file
	columns = int(system("awk 'NF > n { n = NF } END { print n }' ".data))
	name = file[1:strlen(file)-4]
	set output dir."/".name.".png"
	set multiplot layout 2,5 title "CPU use of each node / capacity, over seconds: ".name[5:]
	set yrange [0:1.2]
	set ytics 0.3
	set xtics 600
	do for [i=0:players-1] {
		set title system(sprintf("grep '^\"' %s | sed -n %dp | tr -d '\"'", data, i + 1))
		plot for [c=2:columns] data index i using 1:c every ::1 with lines lw 0.6 lc rgb "#406090", \
			0.9 with lines lw 1 lc rgb "#c04040"
	}
	unset multiplot
}

data = dir."/imbalance.dat"
scenarios = int(system("grep -c '^\"[^\"]*\"$' ".data))
rows = (scenarios + 3) / 4
columns = scenarios < 4 ? scenarios : 4
set terminal pngcairo size 375 * columns + 100, 380 * rows + 20 font "sans,9"
set output dir."/imbalance.png"
set multiplot layout rows,columns title "connections per weight: greatest / mean (mean over time, 95 % interval)"
set yrange [1:*]
set ytics auto
set style fill solid 0.6
set boxwidth 0.7
set xtics rotate by -50 scale 0
set bmargin 6
do for [i=0:scenarios-1] {
	set title system(sprintf("grep '^\"[^\"]*\"$' %s | sed -n %dp | tr -d '\"'", data, i + 1))
	plot data index i using 0:2:(strcol(1) eq "c-sched" ? 0xc07020 : 0x406090):xtic(1) every ::1 \
			with boxes lc rgb variable, \
		'' index i using 0:2:3 every ::1 with yerrorbars lc rgb "#303030" ps 0
}
unset multiplot
