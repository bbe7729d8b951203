#!/bin/sh
# Installs colorstyle from this folder alone; no network is needed:   sh install.sh [PYTHON]
# PYTHON is a Python @PYTHON@, by default python@PYTHON@. Where this kit has no torch, it must be one that has.
# The environment lies in colorstyle/.venv: there, `make tutorial`, `make test` and `make lab` work as anywhere.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${1:-python@PYTHON@}
venv=$here/colorstyle/.venv

stop() {
    echo "install.sh: $1" >&2
    exit 2
}

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || stop "no Python called $python; name one: sh install.sh PYTHON"
[ "$version" = "@PYTHON@" ] || stop "this kit is for Python @PYTHON@, and $python is $version; name another, or make a kit with PYTHON=$version"

own=
if ! ls "$here"/wheels/torch-[0-9]*.whl > /dev/null 2>&1; then
    own=$("$python" -c 'import pathlib, torch, torchvision; print(pathlib.Path(torch.__file__).parents[1])') ||
        stop "this kit has no torch (TORCH=none), and $python has no torch with torchvision; name a Python that has"
fi

"$python" -m venv --clear "$venv"
if [ -n "$own" ]; then
    # Not --system-site-packages, which sees nothing of a Python that lives in a virtual environment itself.
    "$venv/bin/python" -c 'import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "torch_of_this_machine.pth").write_text(sys.argv[1] + "\n")' "$own"
fi
# Isolated from settings of pip that a cluster may have, which could name an index that cannot be reached.
"$venv/bin/python" -m pip --isolated --disable-pip-version-check install --quiet --no-index \
    --find-links "$here/wheels" --editable "$here/colorstyle[test]"
touch "$venv/.installed"
"$venv/bin/colorstyle" info
echo "installed; from now on: source $venv/bin/activate"
if [ -f "$here/vgg19.safetensors" ]; then
    echo "for the task stylize: export COLORSTYLE_VGG19=$here/vgg19.safetensors"
fi
