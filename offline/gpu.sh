#!/usr/bin/env bash
# What to do with half an hour of a GPU, in three calls of under ten minutes. Run it in the repository.
#
#   bash offline/gpu.sh check     does it compute the same, and are steps recorded? mlp and dcgan, 1 and 32 seeds, profiles
#   bash offline/gpu.sh measure   every claim about speed; a JSON that is written after each row
#   bash offline/gpu.sh train     the studies of experiments/gpu at published budgets; results.csv after each group
#
# OUT=results   where everything is written        PYTHON=ganbench-venv/bin/python   (bundle/install.sh makes it)
# DEVICE=cpu REHEARSAL=1   goes through the same on a CPU in minutes: no figure of that means anything
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONUNBUFFERED=1
OUT=${OUT:-results} PYTHON=${PYTHON:-python} DEVICE=${DEVICE:-cuda} REHEARSAL=${REHEARSAL:-}
ganbench() { "$PYTHON" -m ganbench "$@"; }
mkdir -p "$OUT"

check() {
  GANBENCH_TEST_DEVICE=$DEVICE "$PYTHON" -m pytest -q -p no:cacheprovider tests/training/test_gpu.py 2>&1 | tee "$OUT/test_gpu.txt"
  local steps=400 many=0-31
  [ -n "$REHEARSAL" ] && steps=60 many=0-1
  for arch in mlp dcgan; do for seeds in 0 $many; do for accelerate in auto off; do
    echo "== $arch, seeds $seeds, accelerate $accelerate"
    ganbench run --loss non-saturating --arch $arch --seeds $seeds --steps $steps --set evaluation.samples=500 \
      --set evaluation.quick_samples=500 --accelerate $accelerate --device $DEVICE --profile --force \
      --store "$OUT/check-store" --experiment "$arch-$seeds-$accelerate"
  done; done; done 2>&1 | tee "$OUT/profiles.txt"
  rm -rf "$OUT/check-store"
}

measure() {
  "$PYTHON" -m benchmarks --device $DEVICE --gpu-rows --rounds 3 --minutes 8 ${REHEARSAL:+--rehearsal --rounds 1} \
    --out "$OUT/benchmarks.json" 2>&1 | tee "$OUT/benchmarks.txt"
}

train() {
  ganbench sweep experiments/gpu --device $DEVICE --jobs ${JOBS:-$([ $DEVICE = cuda ] && echo 6 || echo 1)} \
    ${REHEARSAL:+--budget rehearsal} --minutes ${MINUTES:-8.5} --export "$OUT" --store "$OUT/.store" 2>&1 | tee "$OUT/train.txt"
  for results in "$OUT"/*/results.csv; do
    [ -f "$results" ] && ganbench compare --from "$results"
  done 2>&1 | tee "$OUT/compare.txt"
}

case "${1:-}" in
  check | measure | train) "$1" ;;
  *) sed -n '2,9p' "$0" | cut -c3-; exit 2 ;;
esac
