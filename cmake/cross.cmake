# What ARM64 and RISC-V share. Requires: `target`, Debian's name of the processor. Linked
# statically, so that a program runs under the emulator without the other system's libraries.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${target})
set(CMAKE_C_COMPILER ${target}-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER ${target}-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${target}-static)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_FIND_ROOT_PATH /usr/${target}-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
