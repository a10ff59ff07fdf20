#!/usr/bin/env bash
# What an installed qrules is to its users: installs a build, builds tiny_compiler and a user of the engine alone against it,
# and looks at what the libraries refer to.
#   tests/install/run.sh BUILD_FOLDER
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$(cd -- "$1" && pwd -P)
work=$(mktemp -d "${TMPDIR:-/tmp}/qrules-install.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
prefix=$work/prefix
failures=0
unset QRULES_RULES

fail() {
  printf 'FAILED: %s\n' "$*"
  failures=$((failures + 1))
}

# quiet NAME COMMAND...: the output only when it fails.
quiet() {
  local log=$work/$1.log
  shift
  if ! "$@" >"$log" 2>&1; then
    cat "$log"
    printf 'FAILED: %s\n' "$*"
    exit 1
  fi
}

# contains TEXT FILE
contains() { grep -qF -- "$1" "$2" || { cat "$2"; fail "no \`$1\` in the output above"; }; }

quiet install cmake --install "$build" --prefix "$prefix"

# --- the tools find their rules and libraries
"$prefix/bin/rulecheck" --no-tests >"$work/rulecheck.txt" 2>&1 || fail "the installed rulecheck"
printf 'graph(%%x: f32[4]) {\n  %%y: f32[4] = aten.relu6.default(%%x)\n  return (%%y)\n}\n' >"$work/graph.txt"
"$prefix/bin/qrules" opt "$work/graph.txt" >"$work/opt.txt" 2>&1 || fail "the installed qrules"
contains "aten.hardtanh.default(%x, 0.0, 6.0)" "$work/opt.txt"
# LibTorch is loaded by a library of its own, for what has no kernel of ours.
printf 'graph() {\n  %%x = constant : f32[2] {0.5}\n  %%y: f32[2] = aten.erfinv.default(%%x)\n  return (%%y)\n}\n' >"$work/aten.txt"
"$prefix/bin/qrules" run "$work/aten.txt" --output-dir "$work/aten" >"$work/aten.log" 2>&1 || fail "LibTorch in qrules: $(cat "$work/aten.log")"

# --- a compiler that links the runtime
export CMAKE_GENERATOR=Ninja
quiet tiny-configure cmake -S "$root/examples/tiny_compiler" -B "$work/tiny" -DCMAKE_PREFIX_PATH="$prefix"
quiet tiny-build cmake --build "$work/tiny"
"$work/tiny/tiny_compiler" >"$work/tiny.txt" 2>&1 || fail "tiny_compiler: $(cat "$work/tiny.txt")"
contains "rule scale-then-shift fired 1 times" "$work/tiny.txt"
contains "tiny.affine.default" "$work/tiny.txt"
contains ", the same as before" "$work/tiny.txt"

# The same with the sources of qrules as a part of its project, as far as that goes without compiling them again.
quiet part-configure cmake -S "$root/examples/tiny_compiler" -B "$work/part" -DTINY_QRULES_SOURCE="$root"
quiet part-dry-run ninja -C "$work/part" -n tiny_compiler

# --- a user of the engine alone
quiet engine-configure cmake -S "$root/tests/install/engine_only" -B "$work/engine" -DCMAKE_PREFIX_PATH="$prefix"
quiet engine-build cmake --build "$work/engine"
"$work/engine/engine_only" "$prefix/share/qrules/rules" >"$work/engine.txt" 2>&1 || fail "engine_only: $(cat "$work/engine.txt")"
contains "aten.hardtanh.default" "$work/engine.txt"
ldd "$work/engine/engine_only" >"$work/ldd.txt"
if grep -E 'libtorch|libc10|libdnnl' "$work/ldd.txt"; then fail "the engine depends on the libraries above"; fi

# --- what the libraries refer to
undefined() { nm -C -u -A "$1" 2>/dev/null | sed 's/^.*:\([^:]*\.o\): */\1 /'; }
engine=$(find "$prefix" -name libqrules_engine.a)
runtime=$(find "$prefix" -name libqrules_runtime.a)
undefined "$engine" >"$work/engine.symbols"
undefined "$runtime" >"$work/runtime.symbols"
for list in engine runtime; do
  # Also a check of this check: a library that refers to nothing was not read.
  grep -q 'operator new' "$work/$list.symbols" || fail "nm finds nothing in the $list library"
done
if grep -E '\b(dnnl|c10|at|torch|caffe2)::|\bdnnl_|\baoti_torch' "$work/engine.symbols"; then
  fail "the engine refers to the symbols above of LibTorch or oneDNN"
fi
# A library neither ends its user's process nor writes to its terminal.
ends='abort|exit|_exit|_Exit|quick_exit|std::terminate\(\)'
writes='(__)?v?f?printf(_chk)?|puts|fputs|fputc|putc|putchar|perror|stdout|stderr|std::(cout|cerr|clog)'
if grep -hE " U ($ends|$writes)(@.*)?\$" "$work/engine.symbols" "$work/runtime.symbols"; then
  fail "the libraries refer to the functions above"
fi

((failures == 0)) && echo "installed, linked and run"
exit "$((failures > 0))"
