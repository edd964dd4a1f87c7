#!/usr/bin/env bash
# Installs the Debian packages in this directory, uses each as a new user would, and removes them: in a Debian root that
# has nothing else, as root. `tools/clean-room --packages` puts this directory there and calls it.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
here=$PWD
work=$(mktemp -d)
quiet() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "failed: $*" >&2; return 1; }; }
expect() { grep -q -- "$1" <<<"$2" || { echo "expected '$1' in: $2" >&2; return 1; }; }

library=$(echo libpathline[0-9]*_*.deb)
library=${library%%_*}

quiet apt-get update
quiet apt-get install -y --no-install-recommends --reinstall ./*.deb  # again, if the root has others
dpkg-query --show --showformat='${Package} ${Version}, ${Installed-Size} kB\n' 'libpathline*' pathline python3-pathline
expect "^$library[:,]" "$(dpkg -S "*/libpathline.so.${library#libpathline}")"  # its name is the library's with its soname

# The command, its pages and its completions. The root's dpkg may be told to leave manual pages out.
cd "$work"
expect "^[0-9]" "$(pathline --version)"
pathline train moons --iterations 20 -o run --quiet
pathline sample run/model.h5 -n 100 -o samples.csv --quiet
pathline density run/model.h5 samples.csv -o density.csv --quiet
expect ",-[0-9.]*$" "$(tail -n 1 density.csv)"
dpkg -L pathline | grep -q /man1/pathline-train.1.gz
bash -n /usr/share/bash-completion/completions/pathline
test -s /usr/share/zsh/vendor-completions/_pathline
pathline plot run/model.h5 -o picture.png --quiet && test -s picture.png  # the fonts are there

# Python: first with what the package depends on, then the whole script of ten lines.
expect "python3-matplotlib" "$(python3 "$here/new_user.py" 2>&1 || true)"
quiet apt-get install -y --no-install-recommends python3-matplotlib
said=$(python3 "$here/new_user.py" 2>/dev/null)
expect "^3\.[5-6] nats, 1000 scores, width of theta 2" "$said"  # the entropy is 1 + log(2 pi) + log(2) = 3.53
test -s corner.png
expect "energy" "$(pathline info flow.h5)"

# C++: by CMake and by pkg-config.
quiet apt-get install -y --no-install-recommends g++ make cmake pkg-config
quiet cmake -S "$here" -B build
quiet cmake --build build
for program in build/use_static build/use_shared; do expect "^2$" "$("$program" flow.h5)"; done
read -ra flags <<<"$(pkg-config --cflags --libs pathline)"
quiet g++ -std=c++20 "$here/main.cpp" "${flags[@]}" -o by_pkg_config
expect "^2$" "$(./by_pkg_config flow.h5)"

quiet apt-get purge -y "$library" libpathline-dev pathline python3-pathline
left=$(find /usr /etc -iname '*pathline*' -not -path "$here/*")
[[ -z $left ]] || { echo "left after the packages were removed: $left" >&2; exit 1; }
echo "the packages were installed, used and removed"
