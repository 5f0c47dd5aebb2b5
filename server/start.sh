#!/usr/bin/env sh
# The tracking server on a machine without containers: sets up what it needs, and starts `ganbench server`.
# Needs PostgreSQL (on Debian or Ubuntu: apt install postgresql). Options are those of `ganbench server`.
set -eu
cd "$(dirname "$0")/.."
make --silent .venv/.ready
.venv/bin/python -c "import psycopg, flask_wtf" 2>/dev/null ||
  .venv/bin/uv pip install --quiet --python .venv/bin/python -c constraints.txt -e '.[dev,server]'
exec .venv/bin/ganbench server "$@"
