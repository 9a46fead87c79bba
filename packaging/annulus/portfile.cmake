# An overlay port, of the tree that it lies in: vcpkg install annulus --overlay-ports=packaging
set(SOURCE_PATH ${CURRENT_PORT_DIR}/../..)
vcpkg_cmake_configure(
  SOURCE_PATH ${SOURCE_PATH}
  OPTIONS -DANNULUS_BUILD_TESTS=OFF -DANNULUS_BUILD_CLI=OFF -DANNULUS_BUILD_BENCH=OFF
          -DANNULUS_BUILD_EXAMPLES=OFF -DANNULUS_BUILD_LANGUAGES=OFF
          -DCMAKE_COMPILE_WARNING_AS_ERROR=OFF)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/annulus)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/debug/include)
vcpkg_install_copyright(FILE_LIST ${SOURCE_PATH}/LICENSE)
