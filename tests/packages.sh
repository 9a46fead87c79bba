#!/usr/bin/env bash
# Builds the Debian packages, checks them, and installs and removes them in a root folder of their
# own.   packages.sh ANNULUS SCRATCH
#
# In that root folder nothing is there but the packages: the command says its version, a C++ program
# is built by pkg-config, one of C over the shared library, and both run. After the removal no file
# is left.
set -euo pipefail
annulus=$1 scratch=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export DEB_BUILD_OPTIONS="parallel=$(nproc) noautodbgsym"

rm -rf "$scratch"
mkdir -p "$scratch/source"
cd "$scratch"
git -C "$annulus" ls-files -z --cached --others --exclude-standard |
  (cd "$annulus" && xargs -0 sh -c 'for file; do [ -e "$file" ] && printf "%s\0" "$file"; done' -) |
  tar -C "$annulus" --null -T - -cf - | tar -C source -xf -
(cd source && dpkg-buildpackage -b -us -uc) >build.log 2>&1 || { tail -50 build.log; exit 1; }
lintian --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs ./*.changes

root=$scratch/root
mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root"/var/log
touch "$root"/var/lib/dpkg/{status,available}
in_root() {
  dpkg --root="$root" --force-depends --force-not-root --log=dpkg.log "$@" >>dpkg.out 2>&1 ||
    { tail dpkg.out; return 1; }
}
in_root -i ./*.deb
[[ $(dpkg --root="$root" -l | grep -c '^ii .*annulus') -ge 3 ]]

lib=$(dirname "$(find "$root" -name 'libannulus.so.0')")
export LD_LIBRARY_PATH=$lib PKG_CONFIG_LIBDIR=$lib/pkgconfig
"$root/usr/bin/annulus" --version
# The leg to another machine is in it: nobody listens there, and that is what it says.
said=$("$root/usr/bin/annulus" recv 'nats://127.0.0.1:1/S?timeout=1ms' 2>&1) && exit 1
[[ $said == *"there is no connection"* ]] || { echo "no leg to NATS: $said"; exit 1; }
read -ra flags < <(pkg-config --cflags --libs annulus)
g++ -std=c++20 "$here/vendor/app.cpp" "${flags[@]}" -o app
./app
gcc -std=c11 -D_POSIX_C_SOURCE=200809L -I "$root/usr/include" "$annulus/languages/c/test.c" \
  -L "$lib" -lannulus -o c_app
./c_app messages

in_root --purge annulus libannulus-dev libannulus0
left=$(find "$root" -path "$root/var" -prune -o -type f -print -o -type l -print)
[[ -z $left ]] || { printf 'left behind:\n%s\n' "$left"; exit 1; }
