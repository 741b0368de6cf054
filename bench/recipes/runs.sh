# What mini.sh and full.sh have in common; they read it. A finished row is kept in $out/rows, and a run that
# was interrupted goes on where it was, so that the same command, given again, goes on to the end of its
# table. `rm -r OUT` begins anew; a recipe that has changed since is run anew by itself.

# asked NAME FLAGS...: writes down what is asked for under that name. Fails if it is something new.
asked() {
	name=$1
	shift
	mkdir -p "$out/rows"
	"$truegrain" train "$@" --print >"$out/rows/$name.now"
	if cmp -s "$out/rows/$name.now" "$out/rows/$name.asked"; then
		rm "$out/rows/$name.now"
		return 0
	fi
	rm -rf "$out/rows/$name.row" "${out:?}/$name"
	mv "$out/rows/$name.now" "$out/rows/$name.asked"
	return 1
}

# finished NAME: prints the row of that name, if there is one.
finished() { [ -f "$out/rows/$1.row" ] && cat "$out/rows/$1.row"; }

# keep NAME: prints and keeps what it reads as the row of that name.
keep() {
	cat >"$out/rows/$1.part"
	mv "$out/rows/$1.part" "$out/rows/$1.row"
	cat "$out/rows/$1.row"
}

# learn NAME DATA FLAGS...: trains to the end in $out/NAME, from where an earlier run of it was stopped.
learn() {
	run=$out/$1 data=$2 log=$out/$1.log
	shift 2
	if [ -f "$run/run.yaml" ]; then
		[ -f "$run/resources.yaml" ] || "$truegrain" train --resume "$run" >>"$log" 2>&1
	else
		"$truegrain" train "$data" "$@" -o "$run" >"$log" 2>&1
	fi
}
