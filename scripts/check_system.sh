#!/bin/sh
# What the machine itself must have: names everything that is missing, with the package to install. Prints the Python to use.
#
#     check_system.sh [PYTHON]

packages() { # Debian's and Fedora's name
    if command -v dnf >/dev/null 2>&1; then echo "dnf install $2"; else echo "apt-get install $1"; fi
}

missing=0
lacks() { # what, Debian package, Fedora package
    echo "missing: $1 ($(packages "$2" "$3"))" >&2
    missing=1
}

for tool in g++:g++:gcc-c++ make:make:make perl:perl:perl git:git:git; do
    name=${tool%%:*}
    rest=${tool#*:}
    command -v "$name" >/dev/null 2>&1 || lacks "$name" "${rest%%:*}" "${rest#*:}"
done

python=
for candidate in ${1:-python3 python3.13 python3.12 python3.11}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
        python=$candidate
        break
    fi
done

if [ -z "$python" ]; then
    lacks "Python 3.11, 3.12 or 3.13${1:+ ($1 is not one)}" python3.11 python3.11
else
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import venv, ensurepip' 2>/dev/null || lacks "Python's venv module" "python$version-venv" "python$version"
    "$python" - <<'END' || lacks "Python's shared library, which cocotb loads" "libpython$version" "python$version-libs"
import ctypes, os, sys, sysconfig
names = {sysconfig.get_config_var(key) for key in ("INSTSONAME", "LDLIBRARY")} | {"libpython%d.%d.so.1.0" % sys.version_info[:2]}
folders = ["", sysconfig.get_config_var("LIBDIR") or "", os.path.join(sys.base_prefix, "lib")]
for name in sorted(n for n in names if n and ".so" in n):
    for folder in folders:
        try:
            ctypes.CDLL(os.path.join(folder, name))
            sys.exit(0)
        except OSError:
            pass
sys.exit(1)
END
fi

[ "$missing" = 0 ] || exit 1
echo "$python"
