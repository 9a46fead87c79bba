# RISC-V: Debian's cross compiler, and the emulator that runs what it builds.
set(target riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
