# Shared by the scripts beside this file; sourced, never run.
# shellcheck shell=bash

# The root of the checkout, and the place for everything the scripts build or download.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS_DIR=${CARGO_TARGET_DIR:-$ROOT/target}/tools

# Progress goes to standard error, so that standard output stays a script's answer.
say() { printf '==> %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

is_root() { [[ $(id -u) -eq 0 ]]; }

# apt_install REASON PACKAGE...: Debian's packages, said aloud. Without root it names the command instead of
# asking for a password in the middle of a run.
apt_install() {
  local reason=$1
  shift
  if ! command -v apt-get >/dev/null; then
    fail "$reason: install the equivalent of Debian's $* and run this again"
  fi
  if ! is_root; then
    fail "$reason: run \`sudo apt-get install -y --no-install-recommends $*\` and then this again"
  fi
  say "installing $* with apt-get ($reason)"
  local log
  log=$(mktemp)
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail "apt-get could not install $*"
  fi
  rm -f "$log"
}

# python_with_venv: prints a Python of at least 3.10 (the oldest grpcio has wheels for) that can make virtual environments.
python_with_venv() {
  local check='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))'
  local python
  for python in python3 /usr/bin/python3; do
    if "$python" -c "$check" >/dev/null 2>&1; then
      printf '%s\n' "$python"
      return
    fi
  done
  apt_install "Python 3.10 or newer with venv is needed" python3 python3-venv
  python=/usr/bin/python3
  "$python" -c "$check" >/dev/null 2>&1 || fail "Python 3.10 or newer with venv is needed; $python is $("$python" --version 2>&1)"
  printf '%s\n' "$python"
}

# python_env REQUIREMENTS: prints the Python of a virtual environment that holds exactly those packages. It is made
# once per content of the file and kept below target/.
python_env() {
  local requirements=$1 digest env python
  digest=$(sha256sum "$requirements" | cut -c1-12)
  env=$TOOLS_DIR/python-$digest
  if [[ ! -e $env/complete ]]; then
    python=$(python_with_venv)
    say "installing the Python packages of ${requirements#"$ROOT"/} into ${env#"$ROOT"/}"
    rm -rf "$env"
    "$python" -m venv "$env" >&2
    "$env/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2 ||
      fail "pip could not install ${requirements#"$ROOT"/}"
    touch "$env/complete"
  fi
  printf '%s\n' "$env/bin/python"
}
