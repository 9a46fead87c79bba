#!/usr/bin/env bash
# Uses annulus as another project would.   try.sh WAY ANNULUS SCRATCH COMPILER
#
#   readme                           the first example of README.md, and every header it names
#   copy                             ring/ and channel/ copied into third_party/annulus/; the
#                                    program itself with and without exceptions and RTTI
#   add_subdirectory, fetch_content  annulus built within the other project, with a crash test and
#                                    a fuzz test of its own use
#   model                            the same, and its own use of the ring under the model checker
#   install                          cmake --install, then the whole tree moved elsewhere
#   find_package, pkg_config         what was installed, found by the one (with the same tests) or
#                                    the other
set -euo pipefail
way=$1 annulus=$2 scratch=$3 compiler=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=$scratch/prefix
work=$scratch/$way
rm -rf "$work"
mkdir -p "$work"
cd "$work"
warnings=(-Wall -Wextra -Wconversion -Wshadow -Wpedantic -Wold-style-cast -Werror)

copy() {
  mkdir -p third_party/annulus
  cp -r "$annulus/ring" "$annulus/channel" third_party/annulus/
}

case $way in
  readme)
    copy
    cp -r "$annulus/pipe" "$annulus/bus" third_party/annulus/
    {
      grep -o 'annulus/[a-z_/]*\.hpp' "$annulus/README.md" | sort -u | sed 's/.*/#include <&>/'
      echo 'std::size_t encode(std::span<std::byte> into);'
      echo 'void handle(annulus::message seen);'
      echo 'void example() {'
      echo 'using namespace std::chrono_literals;'
      awk '/^```cpp/ { on = 1; next } /^```/ && on { exit } on && !/^#include/' "$annulus/README.md"
      echo '}'
    } >readme.cpp
    grep -q attach readme.cpp
    "$compiler" -std=c++20 "${warnings[@]}" -I third_party -fsyntax-only readme.cpp
    ;;
  copy)
    copy
    plain=(-fno-exceptions -fno-rtti)
    "$compiler" -std=c++20 "${plain[@]}" "${warnings[@]}" -I third_party \
      -c third_party/annulus/ring/*.cpp third_party/annulus/channel/*.cpp
    "$compiler" -std=c++20 "${plain[@]}" "${warnings[@]}" -I third_party "$here/app.cpp" *.o -o app
    ./app
    "$compiler" -std=c++20 -O2 "${warnings[@]}" -I third_party "$here/app.cpp" *.o -o app
    ./app
    ;;
  add_subdirectory | fetch_content | find_package)
    cmake -S "$here" -B build -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
      -DWAY="$way" -DANNULUS="$annulus" -DCMAKE_PREFIX_PATH="$prefix"
    cmake --build build
    ./build/app
    ctest --test-dir build -R '^app_' --no-tests=error --output-on-failure
    ;;
  model)
    cmake -S "$here" -B build -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
      -DWAY=add_subdirectory -DANNULUS="$annulus" -DANNULUS_BUILD_MODELS=ON
    cmake --build build --target app_model
    ./build/app_model --count 20000 drops
    ;;
  install)
    cmake -S "$annulus" -B build -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
      -DANNULUS_BUILD_CLI=OFF -DANNULUS_BUILD_TESTS=OFF \
      -DANNULUS_BUILD_BENCH=OFF -DANNULUS_BUILD_EXAMPLES=OFF
    cmake --build build
    cmake --install build --prefix "$work/installed"
    rm -rf "$prefix"
    mv "$work/installed" "$prefix"
    ;;
  pkg_config)
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name annulus.pc)")
    export PKG_CONFIG_PATH
    read -ra flags < <(pkg-config --cflags --libs annulus)
    "$compiler" -std=c++20 "${warnings[@]}" "$here/app.cpp" "${flags[@]}" -o app
    ./app
    ;;
  *)
    echo "try.sh: no way '$way'" >&2
    exit 2
    ;;
esac
