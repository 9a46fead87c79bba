# ARM64: Debian's cross compiler, and the emulator that runs what it builds.
set(target aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
