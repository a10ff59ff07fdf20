#!/usr/bin/env bash
# The demo: a quantized digits classifier, before and after the rules, and after an edit of a rule. `tools/dev demo` builds
# what it needs and runs it; QRULES names the program.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd -- "$here/../.." && pwd -P)
qrules=${QRULES:-$root/build/bin/qrules}
if [[ ! -x $qrules ]]; then
  printf 'demo: %s is not there; tools/dev demo builds it\n' "$qrules" >&2
  exit 1
fi
python=$root/.venv/bin/python
[[ -x $python ]] || python=python3

work=$(mktemp -d "${TMPDIR:-/tmp}/qrules-demo.XXXXXX")
trap 'rm -rf -- "$work"' EXIT

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\033[1m' plain=$'\033[0m'; fi
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

# The models take 64 images at a time, as train.py exported them.
"$python" - "$here/images.npy" "$work" <<'END'
import sys
import numpy

images = numpy.load(sys.argv[1])
for start in range(0, len(images), 64):
    numpy.save(f"{sys.argv[2]}/batch_{start // 64}.npy", images[start:start + 64])
END
batches=("$work"/batch_*.npy)

# classify MODEL NAME [OPTION...]: runs every batch; results are in $work/NAME/, the table of the last batch in $work/NAME.txt.
classify() {
  local model=$1 name=$2 i
  shift 2
  for i in "${!batches[@]}"; do
    "$qrules" run "$here/$model" "$@" --input "$work/batch_$i.npy" --output-dir "$work/$name/$i" >"$work/$name.txt"
  done
}

# Without times, which differ from run to run.
table() { grep -v '^load ' "$work/$1.txt"; }

heading "examples/digits/model.pt2: an int8 network of 6 convolutions and 2 linears, as PyTorch exports it"
classify model.pt2 int8
classify float.pt2 float
table int8

heading "Accuracy on ${#batches[@]} x 64 held-back digits"
accuracy() {
  "$python" - "$here/labels.npy" "$work" "${#batches[@]}" "$@" <<'END'
import sys
import numpy

labels, work, batches = numpy.load(sys.argv[1]), sys.argv[2], int(sys.argv[3])
classes = {}
for name in sys.argv[4:]:
    scores = numpy.concatenate([numpy.load(f"{work}/{name}/{i}/out_0.npy") for i in range(batches)])
    classes[name] = scores.argmax(1)
    right = int((classes[name] == labels).sum())
    print(f"  {name:12} {right} of {len(labels)} right ({right / len(labels):.1%})")
first, second = sys.argv[4:6]
print(f"  {first} and {second} say the same of {int((classes[first] == classes[second]).sum())}")
END
}
accuracy int8 float

heading "Latency of 64 images on one thread"
latency() {
  local title=$1
  shift
  printf '  %-22s %s\n' "$title" "$("$qrules" bench "$@" --input "$work/batch_0.npy" --threads 1 --warmup 2 --iters 15 | cut -d, -f1-2)"
}
latency "int8 with rules" "$here/model.pt2"
latency "int8 without rules" "$here/model.pt2" --no-rules
latency "float" "$here/float.pt2"

heading "One line of a rule removed: 5-fusion/activation.yaml no longer knows relu (nothing is rebuilt)"
cp -r "$root/rules" "$work/rules"
sed -i '/post_op: relu,/d' "$work/rules/5-fusion/activation.yaml"
(cd "$root" && diff -U0 rules/5-fusion/activation.yaml "$work/rules/5-fusion/activation.yaml" | grep '^[-+] ') || true
classify model.pt2 edited --rules "$work/rules"
table int8 >"$work/before"
table edited >"$work/after"
if diff --label "shipped rules" --label "edited rules" -U0 "$work/before" "$work/after" | grep -v '^@@'; then :; fi
if cmp -s "$work/before" "$work/after"; then
  echo "demo: the edited rule changed nothing" >&2
  exit 1
fi
accuracy int8 edited
latency "int8, edited rules" "$here/model.pt2" --rules "$work/rules"
