# What `cmake --install` puts where, for find_package(annulus) and for pkg-config.
include(CMakePackageConfigHelpers)

install(TARGETS annulus_channel annulus_ring annulus_pipe annulus_bus EXPORT annulus)
foreach(folder IN ITEMS channel ring pipe bus)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/annulus
          FILES_MATCHING PATTERN "*.hpp" PATTERN windows EXCLUDE)
endforeach()

# The targets have no dependency outside annulus: the package is the export file, and functions.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/annulus)
install(EXPORT annulus NAMESPACE annulus:: FILE annulus-targets.cmake DESTINATION ${package_dir})
install(FILES cmake/annulus-config.cmake cmake/annulus_tests.cmake fuzz/driver.cpp
        DESTINATION ${package_dir})
install(FILES fuzz/input.hpp fuzz/processes.hpp fuzz/crash.hpp fuzz/handler.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/annulus/fuzz)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/annulus-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/annulus-config-version.cmake DESTINATION ${package_dir})

# A .pc file for each component, and annulus.pc for all. It finds its prefix from its own place, so
# an installed tree may be moved.
set(pc_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${pc_dir} OUTPUT_VARIABLE pc_to_prefix)
function(install_pc pc_name)
  list(TRANSFORM ARGN PREPEND -lannulus_ OUTPUT_VARIABLE pc_libs)
  list(JOIN pc_libs " " pc_libs)
  configure_file(cmake/annulus.pc.in ${PROJECT_BINARY_DIR}/${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
install_pc(annulus bus ring pipe channel)
install_pc(annulus-bus bus ring pipe channel)
install_pc(annulus-ring ring channel)
install_pc(annulus-pipe pipe channel)
