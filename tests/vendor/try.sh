#!/usr/bin/env bash
# Uses annulus as another project would.   try.sh WAY ANNULUS SCRATCH COMPILER
#
#   readme                           the examples of README.md, and every header it names
#   language                         as C++17: one error, which says that C++20 is needed
#   platform                         for macOS: one error, which says that it is not supported
#   copy                             ring/ and channel/ copied into third_party/annulus/; the
#                                    program itself with and without exceptions and RTTI
#   add_subdirectory, fetch_content  annulus built within the other project, with a crash test and
#                                    a fuzz test of its own use
#   model                            the same, and its own use of the ring under the model checker
#   action                           the steps of the GitHub Action, on a copy of ring/ and channel/
#                                    as it ships, and with one order weakened
#   meson                            annulus as a subproject of Meson
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
warnings=(-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wpedantic -Wold-style-cast -Werror)

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
      echo 'void fail(std::string_view why);'
      echo 'void handle(annulus::message seen);'
      echo 'extern const annulus::message order;'
      echo 'using namespace std::chrono_literals;'
      awk '/^```cpp/ { on = 1; print "void example" ++n "() {"; next }
           /^```/ { if (on) print "}"; on = 0 }
           on && !/^#include/' "$annulus/README.md"
    } >readme.cpp
    grep -q attach readme.cpp
    "$compiler" -std=c++20 "${warnings[@]}" -I third_party -fsyntax-only readme.cpp
    ;;
  language)
    copy
    cp -r "$annulus/pipe" "$annulus/bus" third_party/annulus/
    for header in ring/ring ring/segment pipe/pipe bus/bus bus/gateway channel/typed; do
      echo "#include <annulus/$header.hpp>" >older.cpp
      if "$compiler" -std=c++17 -I third_party -fsyntax-only older.cpp 2>errors; then exit 1; fi
      grep -q 'error: .*annulus needs C++20' errors
      [[ $(grep -c 'error:' errors) == 1 ]] || { cat errors; exit 1; }
    done
    ;;
  platform)
    copy
    for header in ring/ring ring/segment channel/typed; do
      echo "#include <annulus/$header.hpp>" >elsewhere.cpp
      if "$compiler" -std=c++20 -U__linux__ -D__APPLE__ -I third_party -fsyntax-only \
        elsewhere.cpp 2>errors; then exit 1; fi
      [[ $(grep -c 'error:' errors) == 1 ]] || { cat errors; exit 1; }
      grep -q 'error: .*annulus is not supported on this system' errors
    done
    if cmake -S "$annulus" -B build -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
      -DCMAKE_SYSTEM_NAME=Darwin -DCMAKE_CXX_COMPILER_WORKS=1 >errors 2>&1; then exit 1; fi
    grep -q 'annulus is not supported on Darwin' errors || { cat errors; exit 1; }
    ;;
  copy)
    copy
    plain=(-fno-exceptions -fno-rtti)
    "$compiler" -std=c++20 "${plain[@]}" "${warnings[@]}" -I third_party \
      -c third_party/annulus/{ring,channel}{,/linux}/*.cpp
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
  action)
    copy
    action=$annulus/.github/actions/models
    yamllint -s -d '{extends: default, rules: {document-start: disable, truthy: disable,
      braces: disable, quoted-strings: disable, line-length: {max: 100}}}' "$annulus/.github"
    step=$(awk '/- name: Models/ { on = 1 } on && /run: \|/ { run = 1; next } run' \
      "$action/action.yml")
    [[ $step == *models/vendored* ]]
    checked() {
      GITHUB_ACTION_PATH=$action GITHUB_WORKSPACE=$work COPY=third_party/annulus CHOSEN=own_use \
        ANNULUS_MODELS=ci ANNULUS_VENDORED=$work/models CXX=$compiler bash -e -c "$step"
    }
    checked
    sed -i '/store<edge::publish>(word, /s/release/relaxed/' third_party/annulus/ring/mpsc.hpp
    if cmp -s third_party/annulus/ring/mpsc.hpp "$annulus/ring/mpsc.hpp"; then exit 1; fi
    if checked >weakened; then exit 1; fi
    grep -q 'data race' weakened || { cat weakened; exit 1; }
    ;;
  meson)
    mkdir -p subprojects/annulus
    cp -r "$annulus"/{meson.build,channel,ring,pipe,bus} subprojects/annulus/
    cp "$here/app.cpp" .
    cat >meson.build <<'END'
project('app', 'cpp', default_options: ['cpp_std=c++20'])
subproject('annulus')
executable('app', 'app.cpp', dependencies: dependency('annulus-ring'))
executable('app_bus', 'app.cpp', dependencies: dependency('annulus-bus'))
END
    CXX=$compiler meson setup build
    meson compile -C build
    ./build/app
    ./build/app_bus
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
    for package in annulus annulus-ring annulus-bus; do
      read -ra flags < <(pkg-config --cflags --libs "$package")
      "$compiler" -std=c++20 "${warnings[@]}" "$here/app.cpp" "${flags[@]}" -o app
      ./app
    done
    pkg-config --exists annulus-pipe
    ;;
  *)
    echo "try.sh: no way '$way'" >&2
    exit 2
    ;;
esac
