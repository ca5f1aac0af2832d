#!/bin/sh
# Make .venv hold tuiconsole and its pinned libraries; quick when nothing has changed.
#
# The stamp .venv/.installed records what was installed: the checksums of pyproject.toml and constraints.txt,
# and where the repository stood. It is removed first and written last, so an interrupted install has none.
# The interpreter is $PYTHON, by default python3.
set -eu

cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
venv=.venv
stamp=$venv/.installed
wanted=$(cksum pyproject.toml constraints.txt && printf '%s\n' "$PWD")

fail() {
    printf 'tuiconsole: %s\n' "$1" >&2
    exit 1
}

# The version of a Python, such as 3.11; nothing when it does not run.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

is_supported() {
    case $1 in
        3.11 | 3.12 | 3.13) return 0 ;;
        *) return 1 ;;
    esac
}

venv_works() {
    is_supported "$(version_of $venv/bin/python)" && $venv/bin/python -c 'import pip' 2>/dev/null
}

if [ -f $stamp ] && [ "$(cat $stamp)" = "$wanted" ] && is_supported "$(version_of $venv/bin/python)"; then
    exit 0
fi
rm -f $stamp

if ! venv_works; then
    version=$(version_of "$python")
    [ -n "$version" ] ||
        fail "'$python' does not run: install Python 3.11, 3.12 or 3.13, or name one with make PYTHON=/path/to/python3."
    is_supported "$version" ||
        fail "needs Python 3.11, 3.12 or 3.13, but '$python' is $version: name another with make PYTHON=/path/to/python3."
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "'$python' has no venv module: install it (on Debian and Ubuntu: apt install python3-venv)."
    printf 'tuiconsole: making %s with Python %s.\n' $venv "$version"
    rm -rf $venv
    "$python" -m venv $venv || fail "'$python' could not make $venv; its message is above."
fi

printf 'tuiconsole: installing the pinned libraries into %s; the first time takes some minutes.\n' $venv
pip_install() {
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        --constraint constraints.txt "$@" ||
        fail "the install stopped, and pip says why above: mend that (often the network or disk space), then run make install again."
}
# The build backend comes first, so that it too is the pinned one.
pip_install hatchling
pip_install --no-build-isolation --editable '.[feeds,research,learning,cluster,learn,dev]'

printf '%s\n' "$wanted" >$stamp.new
mv $stamp.new $stamp
printf 'tuiconsole: installed; make run opens the console.\n'
