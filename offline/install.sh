#!/usr/bin/env bash
# Install ganbench from this folder, without a network, and try it.
#
#   bash install.sh [FOLDER]           a virtual environment is made there; default: ganbench-venv
#   PYTHON=python3.12 bash install.sh  with another Python than `python3`
#
# What that Python has already (torch, for example) is used; data sets go into $GANBENCH_DATA, else ~/.cache/ganbench.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
venv=${1:-ganbench-venv}

fail() { echo "install.sh: $*" >&2; exit 2; }

(cd "$here" && sha256sum --quiet --check SHA256SUMS) || fail "the bundle is truncated or altered: copy it again"

wanted=$(cat "$here/python-version")
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "there is no '$python': name one with PYTHON="
[ "$found" = "$wanted" ] || fail "this bundle is for Python $wanted, and '$python' is $found: name another with PYTHON="

missing=$("$python" - $(cat "$here/without") <<'PY'
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        print(name, end=" ")
PY
)
[ -z "$missing" ] || fail "the bundle leaves out ${missing% }, and '$python' has none: make a bundle with it"

echo "installing into $venv ..."
"$python" -m venv --without-pip --system-site-packages "$venv"
# A Python that is a virtual environment itself: the new one would see the system's packages, but not its own.
"$python" - "$venv/lib/python$wanted/site-packages/outer.pth" <<'PY'
import site, sys
if sys.prefix != sys.base_prefix:
    with open(sys.argv[1], "w") as file:
        file.writelines(f"import site; site.addsitedir({folder!r})\n" for folder in site.getsitepackages())
PY
pip=$(echo "$here"/wheels/pip-*.whl)
"$venv/bin/python" "$pip/pip" install --quiet --no-index --no-deps --ignore-installed --disable-pip-version-check "$here"/wheels/*.whl

for folder in "$here"/data/*/; do
  [ -d "$folder" ] && GANBENCH_MIRROR="$here/data" "$venv/bin/ganbench" data fetch "$(basename "$folder")"
done

echo "trying it ..."
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
"$venv/bin/ganbench" run --dataset ring --steps 20 --store "$store/runs" >"$store/log" 2>&1 || { cat "$store/log"; fail "the trial run failed"; }
"$venv/bin/ganbench" compare --store "$store/runs" >"$store/log" 2>&1 || { cat "$store/log"; fail "the trial comparison failed"; }
grep -h '^device' "$store/log" || true
echo "it works: $venv/bin/ganbench"
