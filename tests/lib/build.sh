# Builds the tree beside the sources and installs it into a prefix of ours.

# Where builds and downloads rest between runs: tests/tmp. The roles run as
# users of their own, so all must get there; where they can't, a folder that
# the caller's scene takes away with it. Sets $work.
work_find() {
	work=${EVERLEAF_WORK:-$top/tests/tmp}
	if ! all_may_enter "$top"; then
		work=${EVERLEAF_WORK:-$scene/work}
	fi
	mkdir -p "$work"
}

all_may_enter() {	# all_may_enter FOLDER
	local d
	d=$1
	while [ -n "$d" ]; do
		case $(stat -c %A "$d") in
		*x | *t) ;;
		*) return 1 ;;
		esac
		d=${d%/*}
	done
}

# configure and make, each only when needed. Sets $build and $prefix.
build_tree() {	# build_tree [CONFIGURE OPTION]...
	build=$work/build
	prefix=$work/inst
	mkdir -p "$build"
	make_configure && (
		umask 022
		cd "$build" || exit 1
		[ Makefile -nt "$top/configure" ] ||
			"$top/configure" -q --prefix="$prefix" "$@" || exit 1
		make -s -j"$(nproc)" && make -s install
	)
}

make_configure() {
	[ "$top/configure" -nt "$top/configure.ac" ] &&
		[ -e "$top/Makefile.in" ] &&
		[ -z "$(find "$top" -name '*.am' -newer "$top/Makefile.in" \
		-not -path '*/tmp/*')" ] || "$top/autogen.sh"
}
